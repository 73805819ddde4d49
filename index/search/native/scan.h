/* The scan: for each group of rows, all queries in turn; keeps the k nearest rows of each query. */
#ifndef BITRECALL_NATIVE_SCAN_H
#define BITRECALL_NATIVE_SCAN_H

#include "blocks.h"

/* Rows whose distances are computed before candidates are selected: few at first, while every row is
 * still a candidate, then as many as keep their distances, of two bytes each, in the L1 cache. */
#define FIRST_ROWS 64
#define MOST_ROWS 1024

typedef struct {
    int32_t row, distance;
} candidate;

typedef struct {
    const uint8_t *query;
    const int64_t *excluded, *excluded_end; /* increasing; advances with the rows */
    candidate *kept;
    Py_ssize_t n_kept, room;
    Py_ssize_t *at;    /* number of candidates at each distance */
    Py_ssize_t within; /* number of candidates up to distance reach; at least k once there are k */
    int32_t reach;     /* a row must be nearer than this to become a candidate */
} search;

typedef struct {
    const uint8_t *codes; /* one after another, or in blocks (blocks.h) */
    Py_ssize_t rows, width, k;
    const uint8_t *allowed; /* one byte per row, or NULL */
} catalogue;

/* Capacity of the candidates of a query. Fewer than k are nearer than the reach. At the reach itself
 * are fewer than k from before, and at most MOST_ROWS from the rows scanned last. The next rows may
 * add MOST_ROWS more. */
#define ROOM(k) (2 * (k) + 2 * MOST_ROWS)

static void
drop_beyond_reach(search *one)
{
    Py_ssize_t kept = 0;
    for (Py_ssize_t i = 0; i < one->n_kept; i++)
        if (one->kept[i].distance <= one->reach)
            one->kept[kept++] = one->kept[i];
    one->n_kept = kept;
}

/* Lower the reach according to the new candidates. This is done once for many rows: doing it after
 * every candidate would cost a branch misprediction each time. */
static void
tighten(search *one, Py_ssize_t k)
{
    while (one->within - one->at[one->reach] >= k)
        one->within -= one->at[one->reach--];
    if (one->n_kept + MOST_ROWS > one->room)
        drop_beyond_reach(one);
}

/* Make a row whose distance is below the reach a candidate, if it may be returned.
 *
 * The distance is checked again: another thread may have changed the codes since their masks were
 * computed, and `tighten` relies on candidates being below the reach. */
INLINED void
consider(const catalogue *all, search *one, int64_t row, unsigned distance)
{
    if (distance >= (unsigned)one->reach)
        return;
    while (one->excluded < one->excluded_end && *one->excluded < row)
        one->excluded++;
    if (one->excluded < one->excluded_end && *one->excluded == row)
        return;
    if (all->allowed && !all->allowed[row])
        return;
    one->kept[one->n_kept++] = (candidate){(int32_t)row, (int32_t)distance};
    one->at[distance]++;
    one->within++;
}

/* Loop over groups of `rows` rows that start at row `from`. */
#define FOR_ROWS(all, from, rows)                                                                   \
    for (Py_ssize_t from = 0, most = FIRST_ROWS, rows;                                             \
         rows = all->rows - from < most ? all->rows - from : most, from < all->rows;               \
         from += rows, most = 2 * most < MOST_ROWS ? 2 * most : MOST_ROWS)

INLINED void
scan(const catalogue *all, search *searches, Py_ssize_t queries, take_distances take,
     take_below below)
{
    /* Distances past the last row are the maximum, which is never below the reach. */
    uint16_t distances[MOST_ROWS + GROUP];
    FOR_ROWS(all, from, rows)
    {
        memset(distances + rows, 0xff, GROUP * sizeof(uint16_t));
        for (search *one = searches; one < searches + queries; one++) {
            take(all->codes + from * all->width, rows, all->width, one->query, distances);
            for (Py_ssize_t start = 0; start < rows; start += GROUP) {
                uint32_t near = below(distances + start, (uint16_t)one->reach);
                for (; near; near &= near - 1) {
                    Py_ssize_t place = start + LOWEST(near);
                    consider(all, one, from + place, distances[place]);
                }
            }
            tighten(one, all->k);
        }
    }
}

INLINED uint64_t
joined(const uint8_t *masks)
{
    uint64_t all = 0;
    for (int at = 0; at < 8; at++)
        all |= (uint64_t)masks[at] << 8 * at;
    return all;
}

/* Clear the masks past the last row, up to a multiple of 64 rows, since 64 are read at once. */
INLINED void
forget_past(uint8_t *masks, Py_ssize_t rows)
{
    if (rows % 64) {
        masks[rows / 8] &= (uint8_t)((1 << rows % 8) - 1);
        memset(masks + rows / 8 + 1, 0, (size_t)(7 - rows / 8 % 8));
    }
}

INLINED void
scan_blocks(const catalogue *all, search *searches, Py_ssize_t queries, take_near take)
{
    const Py_ssize_t bytes = words_of(all->width) * IN_A_BLOCK * WORD;
    uint8_t masks[MOST_ROWS / IN_A_BLOCK];
    FOR_ROWS(all, from, rows)
    {
        const uint8_t *blocks = all->codes + from / IN_A_BLOCK * bytes;
        const Py_ssize_t n_blocks = (rows + IN_A_BLOCK - 1) / IN_A_BLOCK;
        for (search *one = searches; one < searches + queries; one++) {
            take(blocks, n_blocks, all->width, one->query, (uint16_t)one->reach, masks);
            forget_past(masks, rows);
            for (Py_ssize_t at = 0; at < n_blocks; at += 8) {
                for (uint64_t near = joined(masks + at); near; near &= near - 1) {
                    Py_ssize_t place = at * IN_A_BLOCK + LOWEST(near);
                    const uint8_t *block = blocks + place / IN_A_BLOCK * bytes;
                    consider(all, one, from + place,
                             distance_in_block(block, place % IN_A_BLOCK, one->query, all->width));
                }
            }
            tighten(one, all->k);
        }
    }
}

typedef void (*scan_all)(const catalogue *all, search *searches, Py_ssize_t queries);

#define SCANS_OF(level, with)                                                                       \
    with static void scan_##level(const catalogue *all, search *searches, Py_ssize_t queries)      \
    {                                                                                              \
        scan(all, searches, queries, distances_##level, below_##level);                            \
    }                                                                                              \
    with static void scan_blocks_##level(const catalogue *all, search *searches,                   \
                                         Py_ssize_t queries)                                       \
    {                                                                                              \
        scan_blocks(all, searches, queries, near_##level);                                         \
    }

#define WITH_NOTHING
SCANS_OF(anywhere, WITH_NOTHING)
#if ON_X86
SCANS_OF(avx2, WITH_AVX2)
SCANS_OF(avx512, WITH_AVX512)
#endif

/* Sort the candidates by counting: the counts tell where each distance begins in the results. Within
 * a distance, candidates are in the order of their rows already. */
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
