/* The code of an embedding: the signs of its values. */
#ifndef BITRECALL_NATIVE_SIGNS_H
#define BITRECALL_NATIVE_SIGNS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

PyDoc_STRVAR(signs_doc,
             "signs(values)\n--\n\n"
             "Return one bit per float16, lowest bit first: whether the value is at least 0.\n\n"
             "Raises ValueError unless the number of values is a multiple of 8.");

static PyObject *
signs(PyObject *module, PyObject *given)
{
    (void)module;
    Py_buffer values;
    if (PyObject_GetBuffer(given, &values, PyBUF_SIMPLE))
        return NULL;
    PyObject *code = NULL;
    if (values.len % 16)
        PyErr_SetString(PyExc_ValueError, "the number of values must be a multiple of 8");
    else
        code = PyBytes_FromStringAndSize(NULL, values.len / 16);
    if (code) {
        const char *from = values.buf;
        char *bytes = PyBytes_AsString(code);
        for (Py_ssize_t byte = 0; byte < values.len / 16; byte++) {
            unsigned bits = 0;
            for (int bit = 0; bit < 8; bit++, from += sizeof(uint16_t)) {
                uint16_t value;
                memcpy(&value, from, sizeof value);
                /* The bits of NaN are above those of infinity; -0 counts as 0. */
                unsigned is_number = (value & 0x7fffu) <= 0x7c00u;
                unsigned is_below = value > 0x8000u;
                bits |= (is_number & !is_below) << bit;
            }
            bytes[byte] = (char)bits;
        }
    }
    PyBuffer_Release(&values);
    return code;
}

#endif
