/* The rows that must not be returned to each query. */
#ifndef BITRECALL_NATIVE_EXCLUDED_H
#define BITRECALL_NATIVE_EXCLUDED_H

#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buffers.h"

typedef struct {
    Py_buffer view;
    int64_t *copy; /* a sorted copy, if the buffer is unsorted or not aligned; otherwise NULL */
    const int64_t *rows, *end;
} excluded;

static int
by_row(const void *one, const void *other)
{
    const int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
    return (a > b) - (a < b);
}

static int
put_in_order(excluded *of_query)
{
    int in_order = is_aligned(&of_query->view, sizeof(int64_t));
    for (const int64_t *at = of_query->rows + 1; in_order && at < of_query->end; at++)
        in_order = at[-1] <= at[0];
    if (in_order)
        return 0;
    const Py_ssize_t count = of_query->view.len / (Py_ssize_t)sizeof(int64_t);
    of_query->copy = PyMem_Malloc((size_t)count * sizeof *of_query->copy);
    if (!of_query->copy) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(of_query->copy, of_query->view.buf, (size_t)count * sizeof *of_query->copy);
    qsort(of_query->copy, (size_t)count, sizeof *of_query->copy, by_row);
    of_query->rows = of_query->copy;
    of_query->end = of_query->copy + count;
    return 0;
}

/* Read and check the rows of query i; `lists` is a sequence of one int64 buffer per query. */
static int
take_excluded(excluded *of_query, PyObject *lists, Py_ssize_t i, Py_ssize_t items)
{
    PyObject *rows = PySequence_GetItem(lists, i);
    if (!rows)
        return -1;
    const int failed = PyObject_GetBuffer(rows, &of_query->view, PyBUF_SIMPLE);
    Py_DECREF(rows);
    if (failed)
        return -1;
    of_query->rows = of_query->view.buf;
    of_query->end = of_query->rows + of_query->view.len / (Py_ssize_t)sizeof(int64_t);
    if (of_query->rows == of_query->end)
        return 0;
    if (put_in_order(of_query))
        return -1;
    if (of_query->rows[0] < 0 || of_query->end[-1] >= items) {
        PyErr_Format(PyExc_IndexError, "query %zd", i);
        return -1;
    }
    return 0;
}

static void
release_excluded(excluded *of_queries, Py_ssize_t queries)
{
    for (Py_ssize_t i = 0; i < queries; i++) {
        if (of_queries[i].view.obj)
            PyBuffer_Release(&of_queries[i].view);
        PyMem_Free(of_queries[i].copy);
    }
    PyMem_Free(of_queries);
}

#endif
