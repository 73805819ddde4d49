/* The most expensive parts of a request, in C: the scan of the codes, look-ups of ids, the code of a
 * user, and the JSON of the items.
 *
 * Uses only Python's stable API, from 3.11 on, and no numpy API: arrays are passed as buffers.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "ids.h"
#include "json.h"
#include "nearest.h"
#include "signs.h"

#define FAST(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL

static PyMethodDef FUNCTIONS[] = {
    {"ids_of", FAST(ids_of), ids_of_doc},
    {"items_json", FAST(items_json), items_json_doc},
    {"levels", levels, METH_NOARGS, levels_doc},
    {"nearest", FAST(nearest), nearest_doc},
    {"place_of", FAST(place_of), place_of_doc},
    {"signs", signs, METH_O, signs_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef MODULE = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "_native",
    .m_doc = "Loops in C; index/search/native_module.py lists the modules that use them.",
    .m_methods = FUNCTIONS,
};

PyMODINIT_FUNC
PyInit__native(void)
{
    return PyModuleDef_Init(&MODULE);
}
