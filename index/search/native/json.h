/* The recommended items of a response as JSON. */
#ifndef BITRECALL_NATIVE_JSON_H
#define BITRECALL_NATIVE_JSON_H

#include <Python.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Bytes of one item besides its id: the member names and two 64-bit numbers. */
#define AROUND_ITEM 96

/* The largest distance and number of bits; every score then fits into 64 bits. */
#define MAX_BITS INT32_MAX

/* Write UTF-8 text as a JSON string without quotes, at most six bytes per byte; return the end. */
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
             "    distances: list of int, of the same length, each from 0 to 2^31 - 1.\n"
             "    bits: from 0 to 2^31 - 1; a score is bits - 2 * distance.\n\n"
             "Raises ValueError if the lengths differ or a number is out of range, TypeError for other\n"
             "types, and UnicodeEncodeError for an id with a lone surrogate.");

/* Return a distance or a number of bits; -1 with an error set if it is invalid.
 *
 * Only int and its subclasses are accepted: of any other object, `__index__` would run, which could
 * change the lists while they are read. */
static long long
bits_from(PyObject *number)
{
    if (!number || !PyLong_Check(number)) {
        PyErr_SetString(PyExc_TypeError, "distances and bits must be int");
        return -1;
    }
    int overflow;
    const long long bits = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow || bits < 0 || bits > MAX_BITS) {
        PyErr_SetString(PyExc_ValueError, "distances and bits must be from 0 to 2^31 - 1");
        return -1;
    }
    return bits;
}

static PyObject *
items_json(PyObject *module, PyObject *const *given, Py_ssize_t n_given)
{
    (void)module;
    if (n_given != 3 || !PyList_Check(given[0]) || !PyList_Check(given[1])) {
        PyErr_SetString(PyExc_TypeError, "items_json takes two lists and a number");
        return NULL;
    }
    const long long bits = bits_from(given[2]);
    if (bits < 0)
        return NULL;
    const Py_ssize_t count = PyList_Size(given[0]);
    if (PyList_Size(given[1]) != count) {
        PyErr_SetString(PyExc_ValueError, "ids and distances must have the same length");
        return NULL;
    }
    Py_ssize_t room = 2;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_ssize_t length;
        if (bits_from(PyList_GetItem(given[1], i)) < 0 ||
            !PyUnicode_AsUTF8AndSize(PyList_GetItem(given[0], i), &length))
            return NULL;
        if (length > (PY_SSIZE_T_MAX - AROUND_ITEM - room) / 6)
            return PyErr_NoMemory();
        room += 6 * length + AROUND_ITEM;
    }
    char *const start = PyMem_Malloc((size_t)room);
    if (!start)
        return PyErr_NoMemory();
    char *to = start;
    *to++ = '[';
    for (Py_ssize_t i = 0; i < count; i++) {
        /* Both were checked above, and no Python code could have run since. */
        Py_ssize_t length;
        const char *id = PyUnicode_AsUTF8AndSize(PyList_GetItem(given[0], i), &length);
        const long long distance = PyLong_AsLongLong(PyList_GetItem(given[1], i));
        to = write_literal(to, i ? ",{\"id\":\"" : "{\"id\":\"");
        to = write_text(to, id, length);
        to = write_literal(to, "\",\"distance\":");
        to = write_number(to, distance);
        to = write_literal(to, ",\"score\":");
        to = write_number(to, bits - 2 * distance);
        *to++ = '}';
    }
    *to++ = ']';
    PyObject *json = PyBytes_FromStringAndSize(start, to - start);
    PyMem_Free(start);
    return json;
}

#endif
