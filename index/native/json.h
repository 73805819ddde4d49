/* The items of an answer in JSON. */
#ifndef BITRECALL_NATIVE_JSON_H
#define BITRECALL_NATIVE_JSON_H

#include <Python.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Of one item: what stands around the id, and two numbers of 64 bits. */
#define AROUND_ITEM 96

/* Write a JSON string of UTF-8 without its quotes, six bytes at most for each; return its end. */
static char *
write_text(char *to, const char *text, Py_ssize_t length)
{
    for (Py_ssize_t i = 0; i < length; i++) {
        const unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            *to++ = (char)byte;
            continue;
        }
        *to++ = '\\';
        switch (byte) {
        case '"':
        case '\\': *to++ = (char)byte; break;
        case '\b': *to++ = 'b'; break;
        case '\f': *to++ = 'f'; break;
        case '\n': *to++ = 'n'; break;
        case '\r': *to++ = 'r'; break;
        case '\t': *to++ = 't'; break;
        default: to += sprintf(to, "u%04x", byte);
        }
    }
    return to;
}

static char *
write_literal(char *to, const char *text)
{
    const size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

static char *
write_number(char *to, long long number)
{
    char digits[24];
    int n = 0;
    unsigned long long left = (unsigned long long)number;
    if (number < 0)
        left = 0 - left;
    do
        digits[n++] = (char)('0' + left % 10);
    while (left /= 10);
    if (number < 0)
        *to++ = '-';
    while (n)
        *to++ = digits[--n];
    return to;
}

PyDoc_STRVAR(items_json_doc,
             "items_json(ids, distances, bits)\n--\n\n"
             "Return the JSON, in UTF-8, of a list of objects with id, distance and score.\n\n"
             "Args:\n"
             "    ids: list of str.\n"
             "    distances: list of int, as many.\n"
             "    bits: a score is so much less twice the distance.\n\n"
             "Raises ValueError where there are not as many, TypeError on others, and\n"
             "UnicodeEncodeError on what is not valid unicode.");

static PyObject *
items_json(PyObject *module, PyObject *const *given, Py_ssize_t n_given)
{
    (void)module;
    if (n_given != 3 || !PyList_Check(given[0]) || !PyList_Check(given[1])) {
        PyErr_SetString(PyExc_TypeError, "items_json takes two lists and a number");
        return NULL;
    }
    const long long bits = PyLong_AsLongLong(given[2]);
    if (bits == -1 && PyErr_Occurred())
        return NULL;
    const Py_ssize_t count = PyList_Size(given[0]);
    if (PyList_Size(given[1]) != count) {
        PyErr_SetString(PyExc_ValueError, "there must be as many distances as ids");
        return NULL;
    }
    Py_ssize_t room = 2;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t length;
        if (!PyUnicode_AsUTF8AndSize(PyList_GetItem(given[0], i), &length))
            return NULL;
        room += 6 * length + AROUND_ITEM;
    }
    char *const start = PyMem_Malloc((size_t)room);
    if (!start)
        return PyErr_NoMemory();
    char *to = start;
    *to++ = '[';
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t length;
        const char *id = PyUnicode_AsUTF8AndSize(PyList_GetItem(given[0], i), &length);
        const long distance = PyLong_AsLong(PyList_GetItem(given[1], i));
        if (!id || (distance == -1 && PyErr_Occurred())) {
            PyMem_Free(start);
            return NULL;
        }
        to = write_literal(to, i ? ",{\"id\":\"" : "{\"id\":\"");
        to = write_text(to, id, length);
        to = write_literal(to, "\",\"distance\":");
        to = write_number(to, distance);
        to = write_literal(to, ",\"score\":");
        to = write_number(to, bits - 2 * (long long)distance);
        *to++ = '}';
    }
    *to++ = ']';
    PyObject *json = PyBytes_FromStringAndSize(start, to - start);
    PyMem_Free(start);
    return json;
}

#endif
