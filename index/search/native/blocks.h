/* Codes in blocks of eight, and masks of the codes in a block that are nearer than a limit.
 *
 * A block holds the first 64-bit words of eight codes, then their second words, and so on. The eight
 * distances are then sums of whole registers; codes stored one after another would have to be
 * rearranged in registers first, which takes as long again. Missing bytes of the last word and
 * missing codes of the last block are zero.
 */
#ifndef BITRECALL_NATIVE_BLOCKS_H
#define BITRECALL_NATIVE_BLOCKS_H

#include "levels.h"

#define WORD (Py_ssize_t) sizeof(uint64_t)
#define IN_A_BLOCK 8

INLINED Py_ssize_t
words_of(Py_ssize_t width)
{
    return (width + WORD - 1) / WORD;
}

INLINED uint64_t
word_at(const uint8_t *query, Py_ssize_t width, Py_ssize_t word)
{
    uint64_t bits = 0;
    const Py_ssize_t rest = width - word * WORD;
    memcpy(&bits, query + word * WORD, (size_t)(rest < WORD ? rest : WORD));
    return bits;
}

INLINED uint64_t
code_word(const uint8_t *block, Py_ssize_t word, Py_ssize_t place)
{
    uint64_t bits;
    memcpy(&bits, block + (word * IN_A_BLOCK + place) * WORD, sizeof bits);
    return bits;
}

/* The distance of the code at position `place` of a block. */
INLINED unsigned
distance_in_block(const uint8_t *block, Py_ssize_t place, const uint8_t *query, Py_ssize_t width)
{
    unsigned distance = 0;
    if (width == 32)
        for (Py_ssize_t word = 0; word < 4; word++)
            distance += POPCOUNT(code_word(block, word, place) ^ word_at(query, 32, word));
    else
        for (Py_ssize_t word = 0; word < words_of(width); word++)
            distance += POPCOUNT(code_word(block, word, place) ^ word_at(query, width, word));
    return distance;
}

/* Write one mask per block: bit i is set if the distance of code i is below `reach`. */
typedef void (*take_near)(const uint8_t *blocks, Py_ssize_t n_blocks, Py_ssize_t width,
                          const uint8_t *query, uint16_t reach, uint8_t *masks);

INLINED void
near_of_width(const uint8_t *blocks, Py_ssize_t n_blocks, Py_ssize_t width, const uint8_t *query,
              uint16_t reach, uint8_t *masks)
{
    const Py_ssize_t bytes = words_of(width) * IN_A_BLOCK * WORD;
    for (Py_ssize_t at = 0; at < n_blocks; at++) {
        unsigned mask = 0;
        for (Py_ssize_t place = 0; place < IN_A_BLOCK; place++)
            mask |= (unsigned)(distance_in_block(blocks + at * bytes, place, query, width) < reach)
                    << place;
        masks[at] = (uint8_t)mask;
    }
}

static void
near_anywhere(const uint8_t *blocks, Py_ssize_t n_blocks, Py_ssize_t width, const uint8_t *query,
              uint16_t reach, uint8_t *masks)
{
    near_of_width(blocks, n_blocks, width, query, reach, masks);
}

#if ON_X86

/* How many bytes ahead to prefetch; prefetching past the last block does nothing. */
#define AHEAD 1024

/* Count the bits of each byte by looking up its halves. */
WITH_AVX2 INLINED __m256i
bits_of_bytes(__m256i bytes)
{
    const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                            2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i half = _mm256_set1_epi8(15);
    __m256i low = _mm256_and_si256(bytes, half);
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
    return _mm256_add_epi8(_mm256_shuffle_epi8(counts, low), _mm256_shuffle_epi8(counts, high));
}

WITH_AVX2 INLINED unsigned
below_in_half(const __m256i *words, const __m256i *query, __m256i reach)
{
    __m256i bits = _mm256_setzero_si256();
    for (int word = 0; word < 4; word++)
        bits = _mm256_add_epi8(bits, bits_of_bytes(_mm256_xor_si256(
                                         _mm256_loadu_si256(words + 2 * word), query[word])));
    __m256i distances = _mm256_sad_epu8(bits, _mm256_setzero_si256());
    return (unsigned)_mm256_movemask_pd(
        _mm256_castsi256_pd(_mm256_cmpgt_epi64(reach, distances)));
}

WITH_AVX2 static void
near_avx2(const uint8_t *blocks, Py_ssize_t n_blocks, Py_ssize_t width, const uint8_t *query,
          uint16_t reach, uint8_t *masks)
{
    if (width != 32) {
        near_of_width(blocks, n_blocks, width, query, reach, masks);
        return;
    }
    __m256i wanted[4];
    for (int word = 0; word < 4; word++)
        wanted[word] = _mm256_set1_epi64x((long long)word_at(query, 32, word));
    const __m256i limit = _mm256_set1_epi64x(reach);
    for (Py_ssize_t at = 0; at < n_blocks; at++) {
        const __m256i *words = (const __m256i *)(blocks + at * 4 * IN_A_BLOCK * WORD);
        masks[at] = (uint8_t)(below_in_half(words, wanted, limit) |
                              below_in_half(words + 1, wanted, limit) << 4);
    }
}

WITH_AVX512 INLINED __m512i
bits_of_words(const uint8_t *words, __m512i wanted)
{
    return _mm512_popcnt_epi64(_mm512_xor_si512(_mm512_loadu_si512(words), wanted));
}

WITH_AVX512 static void
near_avx512(const uint8_t *blocks, Py_ssize_t n_blocks, Py_ssize_t width, const uint8_t *query,
            uint16_t reach, uint8_t *masks)
{
    const __m512i limit = _mm512_set1_epi64(reach);
    if (width == 32) {
        __m512i wanted[4];
        for (int word = 0; word < 4; word++)
            wanted[word] = _mm512_set1_epi64((long long)word_at(query, 32, word));
        for (Py_ssize_t at = 0; at < n_blocks; at++, blocks += 256) {
            for (int line = 0; line < 4; line++)
                _mm_prefetch((const char *)blocks + AHEAD + 64 * line, _MM_HINT_T0);
            __m512i distances =
                _mm512_add_epi64(_mm512_add_epi64(bits_of_words(blocks, wanted[0]),
                                                  bits_of_words(blocks + 64, wanted[1])),
                                 _mm512_add_epi64(bits_of_words(blocks + 128, wanted[2]),
                                                  bits_of_words(blocks + 192, wanted[3])));
            masks[at] = _mm512_cmplt_epu64_mask(distances, limit);
        }
        return;
    }
    for (Py_ssize_t at = 0; at < n_blocks; at++) {
        __m512i distances = _mm512_setzero_si512();
        for (Py_ssize_t word = 0; word < words_of(width); word++, blocks += 64)
            distances = _mm512_add_epi64(
                distances, bits_of_words(blocks, _mm512_set1_epi64(
                                                     (long long)word_at(query, width, word))));
        masks[at] = _mm512_cmplt_epu64_mask(distances, limit);
    }
}

#endif

#endif
