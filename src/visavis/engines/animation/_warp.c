/* A picture warped by a grid of nodes: bilinear, as `warp.py` describes it, which does the same without this file.

   Between two nodes a position changes by equal steps, so no map of positions is ever laid out but that of one row.
   Positions are held to 1/65536 of a pixel and read to 1/256. The picture has four channels: colours multiplied by
   their opacity, and it. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2"))) /* compiled in, and used where the processor has it */
static int has_avx2;
#endif

#define ONE 65536 /* a pixel */

typedef struct {
    const uint8_t *pixels;
    int height, width;
} Image;

/* What a result's row is made of: `behind`, if not NULL, three channels that lie under the picture's. */
typedef struct {
    const uint8_t *behind;
    uint8_t *out;
    int width, channels;
} Row;

/* Where each pixel of a row is read on the picture. */
typedef struct {
    int32_t *x, *y;
} Positions;

typedef struct {
    int *begin;          /* of each column of nodes: the first pixel to its right */
    float *share, *step; /* twice for each cell: that pixel's share of the cell, and a pixel's of it, in ONEs */
} Cells;

/* For both coordinates at each column: the row's own node; where its first pixel is read, and how far on each next. */
typedef struct {
    float *node;
    int32_t *first, *step;
} Line;

static void lay_cells(const float *at_x, int columns, float left, int width, Cells cells) {
    for (int c = 0; c + 1 < columns; c++) {
        const float span = at_x[c + 1] - at_x[c], begin = ceilf(at_x[c] - left);
        cells.begin[c] = begin < 0 || c == 0 ? 0 : begin > (float)width ? width : (int)begin;
        cells.share[2 * c] = cells.share[2 * c + 1] = ((float)cells.begin[c] + left - at_x[c]) / span * ONE;
        cells.step[2 * c] = cells.step[2 * c + 1] = ONE / span;
    }
    cells.begin[columns - 1] = width;
}

/* A row of nodes that lies `part` between two others: where they are, and how far they are moved there. Beyond the
   outermost ones all is moved as far as they are. */
typedef struct {
    const float *x, *upper, *under;
    float y, part;
    int columns; /* as many x as there are, two more than in `upper` and `under` */
} Nodes;

static inline float within(float position) {
    const float most = 15000; /* beyond the picture, however far, is its edge */
    position = position > -most ? position : -most; /* what is no number too */
    return position < most ? position : most;
}

static inline void lay_line(Nodes nodes, Cells cells, Line line) {
    const int inner = 2 * (nodes.columns - 2), count = 2 * nodes.columns;
    const float *restrict upper = nodes.upper, *restrict under = nodes.under, *share = cells.share, *one = cells.step;
    float *restrict node = line.node;
    int32_t *restrict first = line.first, *restrict step = line.step;
    for (int i = 0; i < inner; i++) node[i + 2] = upper[i] + nodes.part * (under[i] - upper[i]);
    memcpy(node, node + 2, 2 * sizeof(float));
    memcpy(node + count - 2, node + count - 4, 2 * sizeof(float));
    for (int c = 0; c < nodes.columns; c++) {
        node[2 * c] = within(node[2 * c] + nodes.x[c]);
        node[2 * c + 1] = within(node[2 * c + 1] + nodes.y);
    }
    for (int i = 0; i < count - 2; i++) {
        const float far = node[i + 2] - node[i];
        /* half of 1/256 of a pixel is added, so that cutting to that later rounds */
        first[i] = (int32_t)(node[i] * ONE + share[i] * far + 128.5f);
        step[i] = (int32_t)(far * one[i]);
    }
}

/* Where a row's pixels are read. */
static void lay_row(Nodes nodes, Cells cells, Line line, Positions at) {
    lay_line(nodes, cells, line);
    for (int c = 0; c + 1 < nodes.columns; c++)
        for (int i = cells.begin[c], k = 0; i < cells.begin[c + 1]; i++, k++) {
            at.x[i] = line.first[2 * c] + k * line.step[2 * c];
            at.y[i] = line.first[2 * c + 1] + k * line.step[2 * c + 1];
        }
}

/* One pixel anywhere, the nearest one outside the picture. */
static void pixel(const Image *image, int32_t x, int32_t y, uint8_t *out) {
    int x0 = x >> 16, y0 = y >> 16, fx = (x >> 8) & 255, fy = (y >> 8) & 255;
    int right = image->width - 1, bottom = image->height - 1;
    int x1 = x0 + 1 < 0 ? 0 : x0 + 1 > right ? right : x0 + 1, y1 = y0 + 1 < 0 ? 0 : y0 + 1 > bottom ? bottom : y0 + 1;
    x0 = x0 < 0 ? 0 : x0 > right ? right : x0;
    y0 = y0 < 0 ? 0 : y0 > bottom ? bottom : y0;
    const uint8_t *top = image->pixels + (size_t)y0 * image->width * 4;
    const uint8_t *low = image->pixels + (size_t)y1 * image->width * 4;
    for (int c = 0; c < 4; c++) {
        int l = (top[x0 * 4 + c] * (256 - fy) + low[x0 * 4 + c] * fy + 128) >> 8;
        int r = (top[x1 * 4 + c] * (256 - fy) + low[x1 * 4 + c] * fy + 128) >> 8;
        out[c] = (uint8_t)((l * (256 - fx) + r * fx + 128) >> 8);
    }
}

/* A colour multiplied by its opacity, the fourth value, over an opaque one. */
static void over(const uint8_t *value, const uint8_t *behind, uint8_t *out) {
    const int through = 255 - value[3];
    for (int c = 0; c < 3; c++) {
        int mixed = behind[c] * through + 127;
        mixed = value[c] + ((mixed + (mixed >> 8) + 1) >> 8); /* divided by 255 */
        out[c] = (uint8_t)(mixed > 255 ? 255 : mixed);
    }
}

/* Pixels from `begin` to `end` of a row, one by one. */
static void pixels(const Image *image, Positions at, int begin, int end, Row row) {
    for (int i = begin; i < end; i++) {
        uint8_t value[4], *here = row.out + (ptrdiff_t)i * row.channels;
        pixel(image, at.x[i], at.y[i], value);
        if (row.behind)
            over(value, row.behind + (ptrdiff_t)i * 3, here);
        else
            memcpy(here, value, (size_t)row.channels);
    }
}

#ifdef AVX2
/* Two pixels and their right neighbours, eight bytes each. */
AVX2 static inline __m128i pair(const uint8_t *one, const uint8_t *other) {
    return _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)one), _mm_loadl_epi64((const __m128i *)other));
}

/* Two pixels, 16 bits a value, in the lower half of each lane: rows mixed by `fy`, then neighbours by `fx`. */
AVX2 static inline __m256i mixed(__m128i upper, __m128i under, __m256i fx, __m256i fy) {
    const __m256i half = _mm256_set1_epi16(128);
    const __m256i top = _mm256_cvtepu8_epi16(upper), low = _mm256_cvtepu8_epi16(under);
    __m256i value = _mm256_add_epi16(_mm256_slli_epi16(top, 8), _mm256_mullo_epi16(_mm256_sub_epi16(low, top), fy));
    value = _mm256_srli_epi16(_mm256_add_epi16(value, half), 8);
    /* the left neighbours' weights are 256 - fx */
    const __m256i left = _mm256_set_epi64x(0, -1, 0, -1);
    const __m256i add = _mm256_and_si256(left, _mm256_set1_epi16(257));
    value = _mm256_mullo_epi16(value, _mm256_add_epi16(_mm256_xor_si256(fx, left), add));
    value = _mm256_add_epi16(value, _mm256_shuffle_epi32(value, 0x4e));
    return _mm256_srli_epi16(_mm256_add_epi16(value, half), 8);
}

/* Eight pixels (32 bytes) over as many of three channels. */
AVX2 static inline __m256i laid_over(__m256i value, const uint8_t *behind) {
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi16(1), round = _mm256_set1_epi16(127);
    /* the second half's twelve bytes are read with the four before them */
    const __m256i apart = _mm256_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, 4, 5, 6, -1, 7, 8, 9,
                                           -1, 10, 11, 12, -1, 13, 14, 15, -1);
    const __m256i opacity = _mm256_setr_epi8(3, 3, 3, 3, 7, 7, 7, 7, 11, 11, 11, 11, 15, 15, 15, 15, 3, 3, 3, 3, 7, 7,
                                             7, 7, 11, 11, 11, 11, 15, 15, 15, 15);
    const __m256i three = _mm256_set_m128i(_mm_loadu_si128((const __m128i *)(behind + 8)),
                                           _mm_loadu_si128((const __m128i *)behind));
    const __m256i under = _mm256_shuffle_epi8(three, apart);
    const __m256i through = _mm256_xor_si256(_mm256_shuffle_epi8(value, opacity), _mm256_set1_epi8(-1));
    __m256i lo = _mm256_mullo_epi16(_mm256_unpacklo_epi8(under, zero), _mm256_unpacklo_epi8(through, zero));
    __m256i hi = _mm256_mullo_epi16(_mm256_unpackhi_epi8(under, zero), _mm256_unpackhi_epi8(through, zero));
    lo = _mm256_add_epi16(lo, round);
    hi = _mm256_add_epi16(hi, round);
    lo = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(lo, _mm256_srli_epi16(lo, 8)), one), 8);
    hi = _mm256_srli_epi16(_mm256_add_epi16(_mm256_add_epi16(hi, _mm256_srli_epi16(hi, 8)), one), 8);
    return _mm256_adds_epu8(value, _mm256_packus_epi16(lo, hi));
}

/* Four pixels without their fourth channel: twelve bytes. */
AVX2 static inline void store_three(__m128i four, uint8_t *out) {
    const __m128i three = _mm_shuffle_epi8(four, _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
    const int32_t last = _mm_extract_epi32(three, 2);
    _mm_storel_epi64((__m128i *)out, three);
    memcpy(out + 8, &last, 4);
}

/* Pixels of a row by eights, as many as there are; returns how many that was. The same values as `pixels` gives:
   numbers of 16 bits wrap on the way, never at the end. Gather instructions would be slower: processors that are
   guarded against their leaks take them apart. */
AVX2 static int eights(const Image *image, Positions at, Row row) {
    const ptrdiff_t below = (ptrdiff_t)image->width * 4;
    const __m256i right = _mm256_set1_epi32((image->width - 1) * ONE), last = _mm256_set1_epi32(image->height - 3);
    const __m256i zero = _mm256_setzero_si256();
    const __m256i byte = _mm256_set1_epi32(255), alpha = _mm256_set1_epi32((int)0xff000000u);
    int i = 0;
    for (; i + 8 <= row.width; i += 8) {
        /* at the right edge the neighbour has no weight, so that any may be read */
        const __m256i x = _mm256_min_epi32(_mm256_max_epi32(_mm256_loadu_si256((__m256i *)(at.x + i)), zero), right);
        const __m256i y = _mm256_loadu_si256((__m256i *)(at.y + i));
        const __m256i column = _mm256_srai_epi32(x, 16), line = _mm256_srai_epi32(y, 16);
        if (_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_or_si256(line, _mm256_cmpgt_epi32(line, last))))) {
            pixels(image, at, i, i + 8, row);
            continue;
        }
        int32_t from[8];
        _mm256_storeu_si256((__m256i *)from, _mm256_add_epi32(_mm256_mullo_epi32(line, _mm256_set1_epi32((int)below)),
                                                              _mm256_slli_epi32(column, 2)));
        __m128i top[4], low[4];
        for (int k = 0; k < 4; k++) {
            const uint8_t *one = image->pixels + from[2 * k], *other = image->pixels + from[2 * k + 1];
            top[k] = pair(one, other);
            low[k] = pair(one + below, other + below);
        }
        if (row.behind) {
            const __m128i upper = _mm_or_si128(_mm_or_si128(top[0], top[1]), _mm_or_si128(top[2], top[3]));
            const __m128i under = _mm_or_si128(_mm_or_si128(low[0], low[1]), _mm_or_si128(low[2], low[3]));
            if (_mm_testz_si128(_mm_or_si128(upper, under), _mm256_castsi256_si128(alpha))) { /* nobody here */
                memcpy(row.out + 3 * (ptrdiff_t)i, row.behind + 3 * (ptrdiff_t)i, 24);
                continue;
            }
        }
        /* each fraction twice in its 32 bits, then four times as often */
        __m256i fx = _mm256_and_si256(_mm256_srli_epi32(x, 8), byte);
        __m256i fy = _mm256_and_si256(_mm256_srli_epi32(y, 8), byte);
        fx = _mm256_or_si256(fx, _mm256_slli_epi32(fx, 16));
        fy = _mm256_or_si256(fy, _mm256_slli_epi32(fy, 16));
        __m256i two[4];
        for (int k = 0; k < 4; k++) {
            const __m256i which = _mm256_add_epi32(_mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1), _mm256_set1_epi32(2 * k));
            const __m256i weights_x = _mm256_permutevar8x32_epi32(fx, which);
            two[k] = mixed(top[k], low[k], weights_x, _mm256_permutevar8x32_epi32(fy, which));
        }
        /* lanes hold pixels 0 2 | 1 3 and 4 6 | 5 7; in bytes 0 2 4 6 | 1 3 5 7 */
        const __m256i near = _mm256_unpacklo_epi64(two[0], two[1]), far = _mm256_unpacklo_epi64(two[2], two[3]);
        const __m256i bytes = _mm256_packus_epi16(near, far);
        __m256i value = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        if (row.channels == 4) {
            _mm256_storeu_si256((__m256i *)(row.out + 4 * (ptrdiff_t)i), value);
            continue;
        }
        if (row.behind && !_mm256_testc_si256(value, alpha)) value = laid_over(value, row.behind + 3 * (ptrdiff_t)i);
        store_three(_mm256_castsi256_si128(value), row.out + 3 * (ptrdiff_t)i);
        store_three(_mm256_extracti128_si256(value, 1), row.out + 3 * (ptrdiff_t)i + 12);
    }
    return i;
}

/* As `lay_row`, a cell at a time; up to seven values beyond a row are written. */
AVX2 static void lay_row_by_eights(Nodes nodes, Cells cells, Line line, Positions at) {
    lay_line(nodes, cells, line);
    const __m256i steps = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int c = 0; c + 1 < nodes.columns; c++)
        for (int axis = 0; axis < 2; axis++) {
            const __m256i step = _mm256_set1_epi32(line.step[2 * c + axis]), on = _mm256_slli_epi32(step, 3);
            int32_t *to = axis ? at.y : at.x;
            const __m256i first = _mm256_set1_epi32(line.first[2 * c + axis]);
            __m256i here = _mm256_add_epi32(first, _mm256_mullo_epi32(step, steps));
            for (int i = cells.begin[c]; i < cells.begin[c + 1]; i += 8, here = _mm256_add_epi32(here, on))
                _mm256_storeu_si256((__m256i *)(to + i), here);
        }
}
#endif

/* `height` rows from `top` on. `back`: how far nodes are moved, which stand at `at_x` and `at_y` but for the first and
   last of each: those lie beyond them. `room` is for six values a column and, twice, one a pixel of a row and seven. */
static void warp(const Image *image, const float *back, int rows, const float *at_y, Nodes nodes, Cells cells, int top,
                 int height, Row row, float *room) {
    const int width = row.width, count = 2 * nodes.columns;
    int32_t *first = (int32_t *)(room + count), *end = first + 2 * count;
    const Line line = {room, first, first + count};
    const Positions at = {end, end + width + 7};
    int above = 0;
    for (int y = 0; y < height; y++) {
        nodes.y = (float)(top + y);
        while (above < rows - 2 && at_y[above + 1] <= nodes.y) above++;
        nodes.part = (nodes.y - at_y[above]) / (at_y[above + 1] - at_y[above]);
        nodes.upper = back + (size_t)(above > 0 ? above - 1 : 0) * (count - 4);
        nodes.under = back + (size_t)(above < rows - 2 ? above : rows - 3) * (count - 4);
        int done = 0;
#ifdef AVX2
        if (has_avx2) {
            lay_row_by_eights(nodes, cells, line, at);
            done = eights(image, at, row);
        } else
#endif
            lay_row(nodes, cells, line, at);
        pixels(image, at, done, width, row);
        row.out += (size_t)width * (size_t)row.channels;
        if (row.behind) row.behind += (size_t)width * 3;
    }
}

static PyObject *py_warp(PyObject *self, PyObject *args) {
    Py_buffer picture, back, at_x, at_y, out, behind;
    int height, width, four, left, top, drawn, across, channels;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*(iii)y*y*y*z*w*(ii)(iii)", &picture, &height, &width, &four, &back, &at_x, &at_y,
                          &behind, &out, &left, &top, &drawn, &across, &channels))
        return NULL;
    const Py_ssize_t columns = at_x.len / (Py_ssize_t)sizeof(float), rows = at_y.len / (Py_ssize_t)sizeof(float);
    const Py_ssize_t size = (Py_ssize_t)drawn * across;
    PyObject *result = NULL;
    float *room = NULL;
    if (height < 1 || width < 1 || height > 15000 || width > 15000 || four != 4 ||
        picture.len != (Py_ssize_t)height * width * 4 || drawn < 1 || across < 1 || drawn > 15000 || across > 15000 ||
        (channels != 3 && channels != 4) || (behind.buf && (channels != 3 || behind.len != size * 3)) ||
        out.len != size * channels || rows < 3 || columns < 3 ||
        back.len != (rows - 2) * (columns - 2) * 2 * (Py_ssize_t)sizeof(float)) {
        PyErr_SetString(PyExc_ValueError, "picture, nodes and result do not have shapes that go together");
    } else if ((room = malloc(((size_t)columns * 11 + (size_t)across * 2 + 14) * sizeof(float))) == NULL) {
        PyErr_NoMemory();
    } else {
        const Image image = {picture.buf, height, width};
        float *share = room + columns * 6 + across * 2 + 14;
        const Cells cells = {(int *)(share + columns * 4), share, share + columns * 2};
        const Nodes nodes = {at_x.buf, NULL, NULL, 0, 0, (int)columns};
        const Row row = {behind.buf, out.buf, across, channels};
        Py_BEGIN_ALLOW_THREADS
        lay_cells(at_x.buf, (int)columns, (float)left, across, cells);
        warp(&image, back.buf, (int)rows, at_y.buf, nodes, cells, top, drawn, row, room);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    free(room);
    PyBuffer_Release(&picture);
    PyBuffer_Release(&back);
    PyBuffer_Release(&at_x);
    PyBuffer_Release(&at_y);
    if (behind.obj) PyBuffer_Release(&behind);
    PyBuffer_Release(&out);
    return result;
}

/* Eight pixels at once or one by one; says which it was. For tests: not while another thread draws. */
static PyObject *py_by_eights(PyObject *self, PyObject *wanted) {
    int before = 0;
    const int on = PyObject_IsTrue(wanted);
    (void)self;
    if (on < 0) return NULL;
#ifdef AVX2
    before = has_avx2;
    has_avx2 = on && __builtin_cpu_supports("avx2");
#endif
    return PyBool_FromLong(before);
}

static PyMethodDef methods[] = {
    {"by_eights", py_by_eights, METH_O,
     "by_eights(wanted): whether eight pixels are drawn at once where the processor can; returns what it was"},
    {"warp", py_warp, METH_VARARGS,
     "warp(picture, its shape, back, at_x, at_y, behind, out, (left, top), its shape): see warp.py"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_warp", "Warps pictures.", 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__warp(void) {
#ifdef AVX2
    has_avx2 = __builtin_cpu_supports("avx2");
#endif
    return PyModule_Create(&module);
}
