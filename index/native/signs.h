/* The code of an embedding: its signs. */
#ifndef BITRECALL_NATIVE_SIGNS_H
#define BITRECALL_NATIVE_SIGNS_H

#include <Python.h>

#include <stdint.h>

PyDoc_STRVAR(signs_doc,
             "signs(values)\n--\n\n"
             "Return one bit for each of some float16, lowest bit first: whether it is 0 or more.\n\n"
             "Raises ValueError unless they are a multiple of 8.");

static PyObject *
signs(PyObject *module, PyObject *given)
{
    (void)module;
    Py_buffer values;
    if (PyObject_GetBuffer(given, &values, PyBUF_SIMPLE))
        return NULL;
    PyObject *code = NULL;
    if (values.len % 16)
        PyErr_SetString(PyExc_ValueError, "there must be a multiple of 8 values");
    else
        code = PyBytes_FromStringAndSize(NULL, values.len / 16);
    if (code) {
        const uint16_t *value = values.buf;
        char *bytes = PyBytes_AsString(code);
        for (Py_ssize_t byte = 0; byte < values.len / 16; byte++) {
            unsigned bits = 0;
            for (int bit = 0; bit < 8; bit++, value++) {
                /* Above the bits of infinity is what is no number; -0 is 0. */
                unsigned is_number = (*value & 0x7fffu) <= 0x7c00u;
                unsigned is_below = *value > 0x8000u;
                bits |= (is_number & !is_below) << bit;
            }
            bytes[byte] = (char)bits;
        }
    }
    PyBuffer_Release(&values);
    return code;
}

#endif
