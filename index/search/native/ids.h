/* Look-ups in an IdTable (index/releases/id_table.py): ids by bisection, and the ids of rows. */
#ifndef BITRECALL_NATIVE_IDS_H
#define BITRECALL_NATIVE_IDS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

#include "buffers.h"

/* The arguments in their order: the arrays of an IdTable, and the id or the rows to look up. */
enum { TEXT, OFFSETS, ORDER, WANTED, N_ID_VIEWS };

/* The id of a row; NULL with an IndexError if its bytes are not all inside the arrays. */
static const char *
id_at(const Py_buffer *views, int64_t row, Py_ssize_t *length)
{
    const Py_ssize_t count = views[OFFSETS].len / 8 - 1;
    int64_t start = -1, end = -1;
    if (row >= 0 && row < count) {
        /* Read once: another thread may change the array between a check and its use. */
        start = int64_at(views[OFFSETS].buf, (Py_ssize_t)row);
        end = int64_at(views[OFFSETS].buf, (Py_ssize_t)row + 1);
    }
    if (start < 0 || end < start || end > views[TEXT].len) {
        PyErr_Format(PyExc_IndexError, "there is no row %lld among %zd ids", (long long)row,
                     count);
        return NULL;
    }
    *length = (Py_ssize_t)(end - start);
    return (const char *)views[TEXT].buf + start;
}

static PyObject *
find_place(const Py_buffer *views)
{
    const Py_ssize_t wanted = views[WANTED].len;
    Py_ssize_t low = 0, high = views[ORDER].len / 8;
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2, length;
        const char *id = id_at(views, int64_at(views[ORDER].buf, middle), &length);
        if (!id)
            return NULL;
        int compared = memcmp(id, views[WANTED].buf, (size_t)(length < wanted ? length : wanted));
        if (compared < 0 || (compared == 0 && length < wanted))
            low = middle + 1;
        else
            high = middle;
    }
    return PyLong_FromSsize_t(low);
}

static PyObject *
list_ids(const Py_buffer *views)
{
    const Py_ssize_t count = views[WANTED].len / 8;
    PyObject *ids = PyList_New(count);
    for (Py_ssize_t i = 0; ids && i < count; i++) {
        Py_ssize_t length;
        const char *id = id_at(views, int64_at(views[WANTED].buf, i), &length);
        PyObject *text = id ? PyUnicode_DecodeUTF8(id, length, NULL) : NULL;
        if (!text || PyList_SetItem(ids, i, text))
            Py_CLEAR(ids);
    }
    return ids;
}

static PyObject *
with_id_views(PyObject *const *given, Py_ssize_t n_given, PyObject *(*answer)(const Py_buffer *))
{
    if (n_given != N_ID_VIEWS) {
        PyErr_SetString(PyExc_TypeError, "expected 4 arguments");
        return NULL;
    }
    Py_buffer views[N_ID_VIEWS];
    PyObject *result = NULL;
    int taken = 0;
    while (taken < N_ID_VIEWS && !PyObject_GetBuffer(given[taken], views + taken, PyBUF_SIMPLE))
        taken++;
    if (taken == N_ID_VIEWS)
        result = answer(views);
    for (int i = 0; i < taken; i++)
        PyBuffer_Release(views + i);
    return result;
}

PyDoc_STRVAR(place_of_doc,
             "place_of(text, offsets, order, wanted)\n--\n\n"
             "Return the position in `order` of the first id that is not less than `wanted`, in bytes.\n\n"
             "The arrays are those of an IdTable. Raises IndexError if they are inconsistent.");

static PyObject *
place_of(PyObject *module, PyObject *const *given, Py_ssize_t n_given)
{
    (void)module;
    return with_id_views(given, n_given, find_place);
}

PyDoc_STRVAR(ids_of_doc,
             "ids_of(text, offsets, order, rows)\n--\n\n"
             "Return the ids of rows, int64 (b,), as a list of str.\n\n"
             "Raises IndexError on an unknown row, and UnicodeDecodeError if an id is not UTF-8.");

static PyObject *
ids_of(PyObject *module, PyObject *const *given, Py_ssize_t n_given)
{
    (void)module;
    return with_id_views(given, n_given, list_ids);
}

#endif
