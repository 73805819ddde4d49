/* Scores of many user codes with many item codes, by level: the number of equal bits.
 *
 * A matrix product gives the same numbers, but writes them to memory as floats. Here, a few thousand
 * distances at a time are counted, or looked up in a table, while they are in the L1 cache.
 */
#ifndef BITRECALL_TRAINING_SCORES_H
#define BITRECALL_TRAINING_SCORES_H

#include <Python.h>

#include <stdlib.h>

#include "../../index/search/native/buffers.h"
#include "../../index/search/native/levels.h"

/* Number of items whose distances are computed at once. */
#define AT_ONCE 2048

/* An increment of a counter waits for the previous increment of the same counter, and neighbouring
 * items are often on the same level. So several tables are incremented in turn. */
#define TABLES 4

typedef void (*take_values)(const uint16_t *distances, Py_ssize_t count, const float *by_distance,
                            float *values);

INLINED void
values_one_by_one(const uint16_t *distances, Py_ssize_t count, const float *by_distance,
                  float *values)
{
    for (Py_ssize_t at = 0; at < count; at++)
        values[at] = by_distance[distances[at]];
}

static void
values_anywhere(const uint16_t *distances, Py_ssize_t count, const float *by_distance,
                float *values)
{
    values_one_by_one(distances, count, by_distance, values);
}

#if ON_X86
WITH_AVX512 static void
values_avx512(const uint16_t *distances, Py_ssize_t count, const float *by_distance, float *values)
{
    Py_ssize_t at = 0;
    for (; at + 16 <= count; at += 16) {
        __m256i narrow = _mm256_loadu_si256((const __m256i *)(distances + at));
        __m512i places = _mm512_cvtepu16_epi32(narrow);
        _mm512_storeu_ps(values + at, _mm512_i32gather_ps(places, by_distance, 4));
    }
    values_one_by_one(distances + at, count - at, by_distance, values + at);
}
#endif

static const struct {
    const char *name;
    take_distances distances;
    take_values values;
} LEVELS[] = {
#if ON_X86
    {"avx512", distances_avx512, values_avx512},
    {"avx2", distances_avx2, values_anywhere},
#endif
    {"plain", distances_anywhere, values_anywhere},
};

#define N_LEVELS (int)(sizeof LEVELS / sizeof *LEVELS)

PyDoc_STRVAR(levels_doc,
             "levels()\n--\n\n"
             "Return the SIMD levels of this processor and their numbers for `count` and `look_up`, "
             "the best first.");

static PyObject *
levels(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return supported_levels(LEVELS, sizeof *LEVELS, N_LEVELS);
}

/* The arguments: codes of users and items, and an array with one row per user. */
typedef struct {
    Py_buffer users, items, table, values;
    Py_ssize_t width, bits, n_users, n_items;
    int level;
} scored;

static void
release_views(scored *all)
{
    PyBuffer_Release(&all->users);
    PyBuffer_Release(&all->items);
    PyBuffer_Release(&all->table);
    PyBuffer_Release(&all->values);
}

/* Check codes and level, and that the table has a number of `size` bytes for each level. */
static int
is_sound(scored *all, Py_ssize_t size)
{
    const Py_ssize_t width = all->width;
    if (width < 1 || width > MAX_WIDTH || all->bits < 1 || all->bits > 8 * width) {
        PyErr_SetString(PyExc_ValueError, "codes must have 1 to 8 bits per byte, fewer than 2^16");
        return 0;
    }
    if (all->users.len % width || all->items.len % width) {
        PyErr_SetString(PyExc_ValueError, "the size of the codes must be a multiple of the width");
        return 0;
    }
    all->n_users = all->users.len / width;
    all->n_items = all->items.len / width;
    if (all->n_items > INT32_MAX) {
        PyErr_SetString(PyExc_ValueError, "there must be fewer than 2^31 items");
        return 0;
    }
    if (!has_shape(all->table.len, all->n_users, all->bits + 1, size)) {
        PyErr_SetString(PyExc_ValueError, "there must be a number for each user and level");
        return 0;
    }
    if (!is_aligned(&all->table, (uintptr_t)size)) {
        PyErr_SetString(PyExc_ValueError, "the numbers must be aligned");
        return 0;
    }
    return !check_level(LEVELS, sizeof *LEVELS, N_LEVELS, all->level);
}

static void
count_one(const scored *all, const uint8_t *user, uint32_t *tables, int32_t *counts)
{
    const Py_ssize_t bins = 8 * all->width + 1;
    const uint8_t *items = all->items.buf;
    uint16_t distances[AT_ONCE];
    memset(tables, 0, (size_t)(TABLES * bins) * sizeof *tables);
    for (Py_ssize_t from = 0; from < all->n_items; from += AT_ONCE) {
        Py_ssize_t rows = all->n_items - from < AT_ONCE ? all->n_items - from : AT_ONCE;
        LEVELS[all->level].distances(items + from * all->width, rows, all->width, user, distances);
        Py_ssize_t row = 0;
        for (; row + TABLES <= rows; row += TABLES)
            for (int turn = 0; turn < TABLES; turn++)
                tables[turn * bins + distances[row + turn]]++;
        for (; row < rows; row++)
            tables[distances[row]]++;
    }
    for (Py_ssize_t distance = 0; distance <= all->bits; distance++)
        for (int turn = 0; turn < TABLES; turn++)
            /* Unsigned, so that a count past 2^31 wraps around instead of being undefined. */
            counts[all->bits - distance] =
                (int32_t)((uint32_t)counts[all->bits - distance] + tables[turn * bins + distance]);
}

PyDoc_STRVAR(count_doc,
             "count(users, items, width, bits, level, counts)\n--\n\n"
             "Add to counts[u, s], int32 (b, bits + 1), the number of items that agree with user u in "
             "s bits.\n\n"
             "Codes are uint8 (b, width) and (n, width); bits past the first `bits` must be equal in "
             "all.\nRaises ValueError if the codes, the counts or the level are invalid.");

static PyObject *
count(PyObject *module, PyObject *given)
{
    (void)module;
    scored all = {0};
    if (!PyArg_ParseTuple(given, "y*y*nniw*", &all.users, &all.items, &all.width, &all.bits,
                          &all.level, &all.table))
        return NULL;
    uint32_t *tables = NULL;
    if (is_sound(&all, sizeof(int32_t))) {
        tables = malloc((size_t)(TABLES * (8 * all.width + 1)) * sizeof *tables);
        if (!tables)
            PyErr_NoMemory();
    }
    if (tables) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t user = 0; user < all.n_users; user++)
            count_one(&all, (const uint8_t *)all.users.buf + user * all.width, tables,
                      (int32_t *)all.table.buf + user * (all.bits + 1));
        Py_END_ALLOW_THREADS
    }
    free(tables);
    release_views(&all);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static void
look_up_one(const scored *all, const uint8_t *user, const float *table, float *by_distance,
            float *values)
{
    const uint8_t *items = all->items.buf;
    uint16_t distances[AT_ONCE];
    for (Py_ssize_t distance = 0; distance <= all->bits; distance++)
        by_distance[distance] = table[all->bits - distance];
    for (Py_ssize_t from = 0; from < all->n_items; from += AT_ONCE) {
        Py_ssize_t rows = all->n_items - from < AT_ONCE ? all->n_items - from : AT_ONCE;
        LEVELS[all->level].distances(items + from * all->width, rows, all->width, user, distances);
        LEVELS[all->level].values(distances, rows, by_distance, values + from);
    }
}

PyDoc_STRVAR(look_up_doc,
             "look_up(users, items, width, bits, level, table, values)\n--\n\n"
             "Write to values, float32 (b, n), the entry of a user's row of the table, float32 "
             "(b, bits + 1),\nat the number of bits in which it agrees with each item.\n\n"
             "Codes are as for `count`. Raises ValueError if an argument is invalid.");

static PyObject *
look_up(PyObject *module, PyObject *given)
{
    (void)module;
    scored all = {0};
    if (!PyArg_ParseTuple(given, "y*y*nniy*w*", &all.users, &all.items, &all.width, &all.bits,
                          &all.level, &all.table, &all.values))
        return NULL;
    float *by_distance = NULL;
    if (is_sound(&all, sizeof(float))) {
        if (!has_shape(all.values.len, all.n_users, all.n_items, sizeof(float)))
            PyErr_SetString(PyExc_ValueError, "there must be a value for each user and item");
        else if (!is_aligned(&all.values, sizeof(float)))
            PyErr_SetString(PyExc_ValueError, "the values must be aligned");
        else if (!(by_distance = calloc((size_t)(8 * all.width + 1), sizeof *by_distance)))
            PyErr_NoMemory();
    }
    if (by_distance) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t user = 0; user < all.n_users; user++)
            look_up_one(&all, (const uint8_t *)all.users.buf + user * all.width,
                        (const float *)all.table.buf + user * (all.bits + 1), by_distance,
                        (float *)all.values.buf + user * all.n_items);
        Py_END_ALLOW_THREADS
    }
    free(by_distance);
    release_views(&all);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

#endif
