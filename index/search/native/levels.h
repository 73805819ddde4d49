/* The kernels of each SIMD level: distances of codes stored one after another, and masks of those
 * below a limit. */
#ifndef BITRECALL_NATIVE_LEVELS_H
#define BITRECALL_NATIVE_LEVELS_H

#include <Python.h>

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define ON_X86 1
#include <immintrin.h>
#else
#define ON_X86 0
#endif

/* Rows that are compared with the limit at once: one per bit of a mask. */
#define GROUP 32

typedef void (*take_distances)(const uint8_t *codes, Py_ssize_t rows, Py_ssize_t width,
                               const uint8_t *query, uint16_t *distances);
typedef uint32_t (*take_below)(const uint16_t *distances, uint16_t reach);

#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#define POPCOUNT(bits) (unsigned)__builtin_popcountll(bits)
#define LOWEST(mask) __builtin_ctzll(mask)
#else
#define INLINED static inline
INLINED unsigned
POPCOUNT(uint64_t bits)
{
    bits -= (bits >> 1) & 0x5555555555555555u;
    bits = (bits & 0x3333333333333333u) + ((bits >> 2) & 0x3333333333333333u);
    return (unsigned)((((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u) >> 56);
}
INLINED int
LOWEST(uint64_t mask)
{
    int place = 0;
    for (; !(mask & 1); mask >>= 1)
        place++;
    return place;
}
#endif

INLINED void
distances_of_width(const uint8_t *codes, Py_ssize_t rows, Py_ssize_t width, const uint8_t *query,
                   uint16_t *distances)
{
    const Py_ssize_t whole = width / 8 * 8, rest = width % 8;
    for (Py_ssize_t row = 0; row < rows; row++, codes += width) {
        unsigned distance = 0;
        uint64_t code = 0, wanted = 0;
        for (Py_ssize_t at = 0; at < whole; at += 8) {
            memcpy(&code, codes + at, 8);
            memcpy(&wanted, query + at, 8);
            distance += POPCOUNT(code ^ wanted);
        }
        if (rest) {
            code = wanted = 0;
            memcpy(&code, codes + whole, (size_t)rest);
            memcpy(&wanted, query + whole, (size_t)rest);
            distance += POPCOUNT(code ^ wanted);
        }
        distances[row] = (uint16_t)distance;
    }
}

static void
distances_anywhere(const uint8_t *codes, Py_ssize_t rows, Py_ssize_t width, const uint8_t *query,
                   uint16_t *distances)
{
    distances_of_width(codes, rows, width, query, distances);
}

static uint32_t
below_anywhere(const uint16_t *distances, uint16_t reach)
{
    uint32_t below = 0;
    for (int i = 0; i < GROUP; i++)
        below |= (uint32_t)(distances[i] < reach) << i;
    return below;
}

#if ON_X86

#define WITH_AVX2 __attribute__((target("avx2,popcnt")))
#define WITH_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vpopcntdq,popcnt")))

WITH_AVX2 static void
distances_avx2(const uint8_t *codes, Py_ssize_t rows, Py_ssize_t width, const uint8_t *query,
               uint16_t *distances)
{
    /* With a constant width, the compiler keeps the query in registers. */
    if (width == 32)
        distances_of_width(codes, rows, 32, query, distances);
    else
        distances_of_width(codes, rows, width, query, distances);
}

WITH_AVX2 static uint32_t
below_avx2(const uint16_t *distances, uint16_t reach)
{
    const __m256i limit = _mm256_set1_epi16((short)reach);
    const __m256i *at = (const __m256i *)distances;
    __m256i low = _mm256_loadu_si256(at), high = _mm256_loadu_si256(at + 1);
    /* A distance is not below the limit if it is the larger of the two. */
    low = _mm256_cmpeq_epi16(_mm256_max_epu16(low, limit), low);
    high = _mm256_cmpeq_epi16(_mm256_max_epu16(high, limit), high);
    /* _mm256_packs_epi16 packs each half of a register separately: restore the order. */
    __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), 0xd8);
    return ~(uint32_t)_mm256_movemask_epi8(both);
}

/* Eight codes of 256 bits at a time, two in a register. */
WITH_AVX512 static void
distances_avx512(const uint8_t *codes, Py_ssize_t rows, Py_ssize_t width, const uint8_t *query,
                 uint16_t *distances)
{
    Py_ssize_t row = 0;
    if (width == 32) {
        const __m512i wanted =
            _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)query));
        const __m512i firsts = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        const __m512i lasts = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        const __m512i by_row = _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7);
        for (; row + 8 <= rows; row += 8) {
            __m512i set[4];
            for (int i = 0; i < 4; i++) {
                __m512i pair = _mm512_loadu_si512(codes + 32 * row + 64 * i);
                set[i] = _mm512_popcnt_epi64(_mm512_xor_si512(pair, wanted));
            }
            /* Add up pairs of words, first of codes 0 to 3 and of codes 4 to 7; */
            __m512i half = _mm512_add_epi64(_mm512_unpacklo_epi64(set[0], set[1]),
                                            _mm512_unpackhi_epi64(set[0], set[1]));
            __m512i other = _mm512_add_epi64(_mm512_unpacklo_epi64(set[2], set[3]),
                                             _mm512_unpackhi_epi64(set[2], set[3]));
            /* then the sums of the first two words of each code and of its last two. */
            __m512i sums = _mm512_add_epi64(_mm512_permutex2var_epi64(half, firsts, other),
                                            _mm512_permutex2var_epi64(half, lasts, other));
            _mm_storeu_si128((__m128i *)(distances + row),
                             _mm512_cvtepi64_epi16(_mm512_permutexvar_epi64(by_row, sums)));
        }
    }
    distances_of_width(codes + width * row, rows - row, width, query, distances + row);
}

WITH_AVX512 static uint32_t
below_avx512(const uint16_t *distances, uint16_t reach)
{
    return _mm512_cmplt_epu16_mask(_mm512_loadu_si512(distances), _mm512_set1_epi16((short)reach));
}

#endif

static int
level_is_there(const char *level)
{
#if ON_X86
    /* These also check that the operating system saves the wide registers. */
    __builtin_cpu_init();
    if (!strcmp(level, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512vpopcntdq") && __builtin_cpu_supports("popcnt");
    if (!strcmp(level, "avx2"))
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
#endif
    (void)level;
    return 1;
}

/* The name at the start of an entry of a table of levels. */
static const char *
level_name(const void *table, size_t size, Py_ssize_t number)
{
    return *(const char *const *)((const char *)table + (size_t)number * size);
}

/* Check that this processor can run a level. Running any other level would end the process. */
static int
check_level(const void *table, size_t size, int count, Py_ssize_t number)
{
    if (number < 0 || number >= count) {
        PyErr_Format(PyExc_ValueError, "invalid level %zd: expected a number from levels()",
                     number);
        return -1;
    }
    const char *name = level_name(table, size, number);
    if (!level_is_there(name)) {
        PyErr_Format(PyExc_ValueError,
                     "this processor lacks the instructions of level %zd (%s): "
                     "expected a number from levels()",
                     number, name);
        return -1;
    }
    return 0;
}

/* The levels of a table that this processor can run, as a dict from name to number. */
static PyObject *
supported_levels(const void *table, size_t size, int count)
{
    PyObject *found = PyDict_New();
    for (int i = 0; found && i < count; i++) {
        const char *name = level_name(table, size, i);
        if (!level_is_there(name))
            continue;
        PyObject *number = PyLong_FromLong(i);
        if (!number || PyDict_SetItemString(found, name, number))
            Py_CLEAR(found);
        Py_XDECREF(number);
    }
    return found;
}

#endif
