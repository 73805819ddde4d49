/* The exact scan: compare every code with every query, and keep the k nearest.
 *
 * A row becomes a candidate if it is nearer than the k-th nearest so far. Candidates are counted by
 * distance: the counts give the distance of the k-th without a heap, and sort the candidates at the
 * end. Rows come in increasing order and a candidate must be nearer than the k-th, so a tie at the
 * k-th place goes to the smallest row. Excluded rows are looked up only for candidates, which are
 * few.
 */
#ifndef BITRECALL_NATIVE_NEAREST_H
#define BITRECALL_NATIVE_NEAREST_H

#include <Python.h>

#include "excluded.h"
#include "buffers.h"
#include "scan.h"

/* The scan releases the GIL if the bytes of codes times the number of queries reach this: releasing
 * it also takes time. */
#define WORTH_LETTING_GO (1 << 23)

static const struct {
    const char *name;
    scan_all rows, blocks;
} LEVELS[] = {
#if ON_X86
    {"avx512", scan_avx512, scan_blocks_avx512},
    {"avx2", scan_avx2, scan_blocks_avx2},
#endif
    {"plain", scan_anywhere, scan_blocks_anywhere},
};

#define N_LEVELS (int)(sizeof LEVELS / sizeof *LEVELS)

PyDoc_STRVAR(levels_doc,
             "levels()\n--\n\n"
             "Return the SIMD levels of this processor and their numbers for `nearest`, the best first.");

static PyObject *
levels(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    return supported_levels(LEVELS, sizeof *LEVELS, N_LEVELS);
}

/* The codes: their number, their width in bytes, and their layout. */
typedef struct {
    Py_ssize_t items, width;
    int blocks; /* whether the codes are in blocks */
} shape;

/* The array arguments of `nearest`, in their order. */
enum { CODES, QUERIES, AMONG, DISTANCES, ROWS, N_VIEWS };

static const char *
what_is_wrong(const Py_buffer *views, const shape *codes, Py_ssize_t queries)
{
    const Py_ssize_t items = codes->items, width = codes->width;
    if (items > views[CODES].len || items > INT32_MAX)
        return "there must be `items` codes, fewer than 2^31";
    const Py_ssize_t n_blocks = (items + IN_A_BLOCK - 1) / IN_A_BLOCK;
    const Py_ssize_t held = codes->blocks ? n_blocks * IN_A_BLOCK * words_of(width) * WORD
                                          : items * width;
    if (views[CODES].len != held || views[QUERIES].len % width)
        return "codes and queries must have the given width, and codes the given layout";
    if (views[DISTANCES].len / 4 != views[ROWS].len / 8 || (views[DISTANCES].len / 4) % queries)
        return "distances and rows must have the same shape";
    if (!is_aligned(views + DISTANCES, sizeof(int32_t)) ||
        !is_aligned(views + ROWS, sizeof(int64_t)))
        return "distances and rows must be aligned";
    if (views[AMONG].buf && views[AMONG].len != items)
        return "allowed must have one byte per row";
    return NULL;
}

/* The memory that one call allocates. */
typedef struct {
    search *searches;
    candidate *kept;
    Py_ssize_t *at;
    excluded *out;
} memory;

static int
prepare(memory *of_call, const Py_buffer *views, PyObject *lists, const shape *codes,
        Py_ssize_t queries, Py_ssize_t k)
{
    const Py_ssize_t room = ROOM(k), bits = 8 * codes->width;
    of_call->searches = PyMem_Calloc((size_t)queries, sizeof *of_call->searches);
    of_call->kept = PyMem_Malloc((size_t)(queries * room) * sizeof *of_call->kept);
    of_call->at = PyMem_Calloc((size_t)(queries * (bits + 2)), sizeof *of_call->at);
    of_call->out = PyMem_Calloc((size_t)queries, sizeof *of_call->out);
    if (!of_call->searches || !of_call->kept || !of_call->at || !of_call->out) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < queries; i++) {
        if (lists != Py_None && take_excluded(of_call->out + i, lists, i, codes->items))
            return -1;
        of_call->searches[i] =
            (search){.query = (const uint8_t *)views[QUERIES].buf + i * codes->width,
                     .excluded = of_call->out[i].rows,
                     .excluded_end = of_call->out[i].end,
                     .kept = of_call->kept + i * room,
                     .room = room,
                     .at = of_call->at + i * (bits + 2),
                     .reach = (int32_t)bits + 1};
    }
    return 0;
}

static PyObject *
answer(const Py_buffer *views, PyObject *lists, const shape *codes, scan_all scan_level)
{
    const Py_ssize_t width = codes->width, queries = views[QUERIES].len / width;
    if (queries == 0)
        Py_RETURN_NONE;
    const char *wrong = what_is_wrong(views, codes, queries);
    if (wrong) {
        PyErr_SetString(PyExc_ValueError, wrong);
        return NULL;
    }
    const Py_ssize_t k = views[ROWS].len / 8 / queries;
    if (k == 0)
        Py_RETURN_NONE;
    const catalogue all = {views[CODES].buf, codes->items, width, k, views[AMONG].buf};
    memory of_call = {0};
    const int failed = prepare(&of_call, views, lists, codes, queries, k);
    if (!failed) {
        PyThreadState *let_go = NULL;
        if (views[CODES].len >= WORTH_LETTING_GO / queries)
            let_go = PyEval_SaveThread();
        scan_level(&all, of_call.searches, queries);
        for (Py_ssize_t i = 0; i < queries; i++)
            write_results(of_call.searches + i, 8 * width, k,
                          (int32_t *)views[DISTANCES].buf + i * k,
                          (int64_t *)views[ROWS].buf + i * k);
        if (let_go)
            PyEval_RestoreThread(let_go);
    }
    PyMem_Free(of_call.searches);
    PyMem_Free(of_call.kept);
    PyMem_Free(of_call.at);
    if (of_call.out)
        release_excluded(of_call.out, queries);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(nearest_doc,
             "nearest(codes, queries, allowed, distances, rows, excluded, items, width, blocks, level)\n--\n\n"
             "Write distances and rows of the k nearest codes of each of b queries, padded with -1.\n\n"
             "Args:\n"
             "    codes: uint8 (n, width) in C order; or in blocks of eight, uint64 (c, w, 8) in C order, of\n"
             "        w words per code, zero past the last row and past the width.\n"
             "    queries: uint8 (b, width) in C order.\n"
             "    allowed: bool (n,), the rows that may be returned, or None.\n"
             "    distances: int32 (b, k), written to.\n"
             "    rows: int64 (b, k), written to.\n"
             "    excluded: for each query, int64, the rows that must not be returned, in any order; or None.\n"
             "    items: n.\n"
             "    width: bytes of a code, 1 to 8,191.\n"
             "    blocks: whether codes are in blocks.\n"
             "    level: one of the numbers of `levels()`.\n\n"
             "Raises ValueError if the shapes do not match or the processor lacks the level, IndexError if an\n"
             "excluded row is outside the codes, and MemoryError.");

static PyObject *
nearest(PyObject *module, PyObject *const *given, Py_ssize_t n_given)
{
    (void)module;
    if (n_given != N_VIEWS + 5) {
        PyErr_SetString(PyExc_TypeError, "nearest takes 10 arguments");
        return NULL;
    }
    Py_ssize_t numbers[4];
    for (int i = 0; i < 4; i++) {
        numbers[i] = PyLong_AsSsize_t(given[N_VIEWS + 1 + i]);
        if (numbers[i] == -1 && PyErr_Occurred())
            return NULL;
    }
    const shape codes = {numbers[0], numbers[1], numbers[2] != 0};
    const Py_ssize_t level = numbers[3];
    if (codes.items < 0 || codes.width < 1 || codes.width > MAX_WIDTH) {
        PyErr_SetString(PyExc_ValueError, "items must be at least 0, width from 1 to 8,191 bytes");
        return NULL;
    }
    if (check_level(LEVELS, sizeof *LEVELS, N_LEVELS, level))
        return NULL;
    Py_buffer views[N_VIEWS] = {{0}};
    PyObject *result = NULL;
    int taken = 0;
    for (; taken < N_VIEWS; taken++) {
        if (taken == AMONG && given[taken] == Py_None)
            continue;
        int flags = taken >= DISTANCES ? PyBUF_WRITABLE : PyBUF_SIMPLE;
        if (PyObject_GetBuffer(given[taken], views + taken, flags))
            break;
    }
    if (taken == N_VIEWS)
        result = answer(views, given[N_VIEWS], &codes, codes.blocks ? LEVELS[level].blocks : LEVELS[level].rows);
    for (int i = 0; i < taken; i++)
        if (views[i].obj)
            PyBuffer_Release(views + i);
    return result;
}

#endif
