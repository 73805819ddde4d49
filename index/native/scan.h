/* One query after the other over one block of codes after the other, and the k nearest of each. */
#ifndef BITRECALL_NATIVE_SCAN_H
#define BITRECALL_NATIVE_SCAN_H

#include "levels.h"

/* Rows whose distances are taken before they are looked through: two bytes each, in the L1 cache. */
#define BLOCK 1024

typedef struct {
    int64_t row;
    int64_t distance;
} candidate;

typedef struct {
    const uint8_t *query;
    const int64_t *banned, *banned_end; /* increasing; moved on as rows come */
    candidate *kept;
    Py_ssize_t n_kept, room;
    Py_ssize_t *at;    /* candidates at each distance */
    Py_ssize_t within; /* candidates at distances up to reach, k or more once there are as many */
    int64_t reach;     /* a candidate is nearer than this */
} search;

typedef struct {
    const uint8_t *codes;
    Py_ssize_t rows, width, k;
    const uint8_t *among; /* a byte a row, or NULL */
} catalogue;

static void
drop_beyond_reach(search *one)
{
    Py_ssize_t kept = 0;
    for (Py_ssize_t i = 0; i < one->n_kept; i++)
        if (one->kept[i].distance <= one->reach)
            one->kept[kept++] = one->kept[i];
    one->n_kept = kept;
}

/* At most 2k - 1 candidates are within reach, hence fewer than there is room for. */
INLINED void
keep(search *one, Py_ssize_t k, int64_t row, int64_t distance)
{
    if (one->n_kept == one->room)
        drop_beyond_reach(one);
    one->kept[one->n_kept++] = (candidate){row, distance};
    one->at[distance]++;
    one->within++;
    while (one->within - one->at[one->reach] >= k)
        one->within -= one->at[one->reach--];
}

INLINED void
look_through(const catalogue *all, search *one, Py_ssize_t from, Py_ssize_t rows,
             const uint16_t *distances, take_below below)
{
    for (Py_ssize_t start = 0; start < rows; start += GROUP) {
        uint32_t near = below(distances + start, (uint16_t)one->reach);
        for (; near; near &= near - 1) {
            Py_ssize_t place = start + LOWEST(near);
            int64_t row = from + place;
            if (distances[place] >= one->reach)
                continue;
            while (one->banned < one->banned_end && *one->banned < row)
                one->banned++;
            if (one->banned < one->banned_end && *one->banned == row)
                continue;
            if (all->among && !all->among[row])
                continue;
            keep(one, all->k, row, distances[place]);
        }
    }
}

INLINED void
scan(const catalogue *all, search *searches, Py_ssize_t queries, take_distances take,
     take_below below)
{
    /* What is past the rows of the last block is never below a reach. */
    uint16_t distances[BLOCK + GROUP];
    for (Py_ssize_t from = 0; from < all->rows; from += BLOCK) {
        Py_ssize_t rows = all->rows - from < BLOCK ? all->rows - from : BLOCK;
        memset(distances + rows, 0xff, GROUP * sizeof(uint16_t));
        for (Py_ssize_t i = 0; i < queries; i++) {
            take(all->codes + from * all->width, rows, all->width, searches[i].query, distances);
            look_through(all, searches + i, from, rows, distances, below);
        }
    }
}

typedef void (*scan_all)(const catalogue *all, search *searches, Py_ssize_t queries);

static void
scan_anywhere(const catalogue *all, search *searches, Py_ssize_t queries)
{
    scan(all, searches, queries, distances_anywhere, below_anywhere);
}

#if ON_X86
WITH_AVX2 static void
scan_avx2(const catalogue *all, search *searches, Py_ssize_t queries)
{
    scan(all, searches, queries, distances_avx2, below_avx2);
}

WITH_AVX512 static void
scan_avx512(const catalogue *all, search *searches, Py_ssize_t queries)
{
    scan(all, searches, queries, distances_avx512, below_avx512);
}
#endif

/* Counting tells where those of each distance begin; within a distance they are in order. */
static void
write_results(search *one, Py_ssize_t bits, Py_ssize_t k, int32_t *distances, int64_t *rows)
{
    drop_beyond_reach(one);
    Py_ssize_t start = 0;
    for (Py_ssize_t distance = 0; distance <= bits && distance <= one->reach; distance++) {
        Py_ssize_t count = one->at[distance];
        one->at[distance] = start;
        start += count;
    }
    for (Py_ssize_t i = 0; i < one->n_kept; i++) {
        Py_ssize_t place = one->at[one->kept[i].distance]++;
        if (place < k) {
            distances[place] = (int32_t)one->kept[i].distance;
            rows[place] = one->kept[i].row;
        }
    }
    for (Py_ssize_t place = start; place < k; place++) {
        distances[place] = -1;
        rows[place] = -1;
    }
}

#endif
