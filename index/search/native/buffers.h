/* Reading and checking buffers.
 *
 * Callers may pass any address, so nothing here assumes that it is aligned. Sizes are compared
 * without products that could overflow. */
#ifndef BITRECALL_NATIVE_BUFFERS_H
#define BITRECALL_NATIVE_BUFFERS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

/* Maximum width of a code in bytes, so that a distance fits into 16 bits. */
#define MAX_WIDTH ((UINT16_MAX - 1) / 8)

static inline int64_t
int64_at(const void *buffer, Py_ssize_t place)
{
    int64_t number;
    memcpy(&number, (const char *)buffer + place * (Py_ssize_t)sizeof number, sizeof number);
    return number;
}

/* Whether a buffer of elements of `size` bytes is aligned, so that they can be used in place. */
static inline int
is_aligned(const Py_buffer *view, uintptr_t size)
{
    return (uintptr_t)view->buf % size == 0;
}

/* Whether length == rows * columns * size. All must be at least 0, and size at least 1. */
static inline int
has_shape(Py_ssize_t length, Py_ssize_t rows, Py_ssize_t columns, Py_ssize_t size)
{
    if (rows == 0 || columns == 0)
        return length == 0;
    return length % size == 0 && (length / size) % columns == 0 &&
           length / size / columns == rows;
}

#endif
