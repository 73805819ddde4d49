/* The most expensive part of a training step besides matrix products, in C.
 *
 * Uses only Python's stable API, from 3.11 on, and no numpy API: arrays are passed as buffers.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "scores.h"

static PyMethodDef FUNCTIONS[] = {
    {"count", count, METH_VARARGS, count_doc},
    {"levels", levels, METH_NOARGS, levels_doc},
    {"look_up", look_up, METH_VARARGS, look_up_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "Loops in C; training/model/losses/packed_scores.py uses them.",
    .m_methods = FUNCTIONS,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&MODULE);
}
