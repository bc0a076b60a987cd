/* A picture warped by a grid of nodes: bilinear, as `warp.py` describes it, which does the same without this file.

   Between two nodes a position changes by equal steps, so no map of positions is ever laid out: a row of pixels costs
   additions and four reads each. Positions are held to 1/65536 of a pixel and read to 1/256. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>
#define SSE2 1
#endif

#define ONE 65536 /* a pixel */

typedef struct {
    const uint8_t *pixels;
    int height, width, channels;
} Image;

#define FRACTIONS 256

#ifdef SSE2
/* By fraction: the weights of the upper and the lower row; of the left and the right pixel, of 3 or 4 channels. */
static __m128i upper[FRACTIONS], lower[FRACTIONS], beside[2][FRACTIONS];

static void prepare(void) {
    for (short f = 0; f < FRACTIONS; f++) {
        const short l = FRACTIONS - f;
        upper[f] = _mm_set1_epi16(l);
        lower[f] = _mm_set1_epi16(f);
        beside[0][f] = _mm_set_epi16(0, 0, f, f, f, l, l, l);
        beside[1][f] = _mm_set_epi16(f, f, f, f, l, l, l, l);
    }
}

/* Three or four values between four neighbours; eight bytes are read from `at` and from the row below it. */
static inline int32_t between(const uint8_t *at, ptrdiff_t below, int channels, int fx, int fy) {
    const __m128i zero = _mm_setzero_si128(), half = _mm_set1_epi16(FRACTIONS / 2);
    __m128i top = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)at), zero);
    __m128i low = _mm_unpacklo_epi8(_mm_loadl_epi64((const __m128i *)(at + below)), zero);
    __m128i mixed = _mm_add_epi16(_mm_mullo_epi16(top, upper[fy]), _mm_mullo_epi16(low, lower[fy]));
    mixed = _mm_mullo_epi16(_mm_srli_epi16(_mm_add_epi16(mixed, half), 8), beside[channels == 4][fx]);
    mixed = _mm_add_epi16(mixed, channels == 4 ? _mm_srli_si128(mixed, 8) : _mm_srli_si128(mixed, 6));
    mixed = _mm_srli_epi16(_mm_add_epi16(mixed, half), 8);
    return _mm_cvtsi128_si32(_mm_packus_epi16(mixed, mixed));
}
#else
static void prepare(void) {}

static inline int32_t between(const uint8_t *at, ptrdiff_t below, int channels, int fx, int fy) {
    uint8_t out[4] = {0};
    int32_t packed;
    for (int c = 0; c < channels; c++) {
        int left = (at[c] * (256 - fy) + at[below + c] * fy + 128) >> 8;
        int right = (at[channels + c] * (256 - fy) + at[below + channels + c] * fy + 128) >> 8;
        out[c] = (uint8_t)((left * (256 - fx) + right * fx + 128) >> 8);
    }
    memcpy(&packed, out, 4);
    return packed;
}
#endif

/* One pixel anywhere, the nearest one outside the picture. */
static void pixel(const Image *image, int32_t x, int32_t y, uint8_t *out) {
    int x0 = x >> 16, y0 = y >> 16, fx = (x >> 8) & 255, fy = (y >> 8) & 255;
    int right = image->width - 1, bottom = image->height - 1;
    int x1 = x0 + 1 < 0 ? 0 : x0 + 1 > right ? right : x0 + 1, y1 = y0 + 1 < 0 ? 0 : y0 + 1 > bottom ? bottom : y0 + 1;
    x0 = x0 < 0 ? 0 : x0 > right ? right : x0;
    y0 = y0 < 0 ? 0 : y0 > bottom ? bottom : y0;
    const uint8_t *top = image->pixels + (size_t)y0 * image->width * image->channels;
    const uint8_t *low = image->pixels + (size_t)y1 * image->width * image->channels;
    for (int c = 0; c < image->channels; c++) {
        int l = (top[x0 * image->channels + c] * (256 - fy) + low[x0 * image->channels + c] * fy + 128) >> 8;
        int r = (top[x1 * image->channels + c] * (256 - fy) + low[x1 * image->channels + c] * fy + 128) >> 8;
        out[c] = (uint8_t)((l * (256 - fx) + r * fx + 128) >> 8);
    }
}

/* `count` pixels along a straight line of positions, all of whose neighbours are well inside the picture. */
static inline void inside(const Image *image, int32_t x, int32_t y, int32_t dx, int32_t dy, int count, int channels,
                          uint8_t *out) {
    const ptrdiff_t below = (ptrdiff_t)image->width * channels;
    for (; count > 0; count--, x += dx, y += dy, out += channels) {
        const uint8_t *at = image->pixels + (y >> 16) * below + (x >> 16) * channels;
        int32_t value = between(at, below, channels, (x >> 8) & 255, (y >> 8) & 255);
        memcpy(out, &value, 4); /* of three channels the fourth byte is overwritten by the next pixel */
    }
}

/* A colour multiplied by its opacity, the fourth value, over an opaque one. */
static inline void over(int32_t packed, const uint8_t *behind, uint8_t *out) {
    const uint32_t value = (uint32_t)packed, through = 255 - (value >> 24);
    if (through == 255) {
        memcpy(out, behind, 3);
        return;
    }
    for (int c = 0; c < 3; c++) {
        uint32_t mixed = behind[c] * through + 127;
        mixed = ((value >> (8 * c)) & 255) + ((mixed + (mixed >> 8) + 1) >> 8); /* divided by 255 */
        out[c] = (uint8_t)(mixed > 255 ? 255 : mixed);
    }
}

/* `count` pixels of four channels along a straight line of positions, laid over what is behind. */
static void run_over(const Image *image, int32_t x, int32_t y, int32_t dx, int32_t dy, int count,
                     const uint8_t *behind, uint8_t *out) {
    const ptrdiff_t below = (ptrdiff_t)image->width * 4;
    int32_t end_x = x + dx * (count - 1), end_y = y + dy * (count - 1);
    const int well = x >= 0 && end_x >= 0 && y >= 0 && end_y >= 0 && (x >> 16) <= image->width - 2 &&
                     (end_x >> 16) <= image->width - 2 && (y >> 16) <= image->height - 3 &&
                     (end_y >> 16) <= image->height - 3;
    for (; count > 0; count--, x += dx, y += dy, out += 3, behind += 3) {
        int32_t value;
        if (well) {
            const uint8_t *at = image->pixels + (y >> 16) * below + (x >> 16) * 4;
            if (!(at[3] | at[7] | at[below + 3] | at[below + 7])) { /* nobody here */
                memcpy(out, behind, 3);
                continue;
            }
            value = between(at, below, 4, (x >> 8) & 255, (y >> 8) & 255);
        } else {
            uint8_t four[4];
            pixel(image, x, y, four);
            memcpy(&value, four, 4);
        }
        if ((uint32_t)value >> 24 == 255)
            memcpy(out, &value, 3);
        else
            over(value, behind, out);
    }
}

/* `count` pixels along a straight line of positions; `last` says that they end a row of the result. */
static void run(const Image *image, int32_t x, int32_t y, int32_t dx, int32_t dy, int count, int last, uint8_t *out) {
    /* on a straight line the ends tell where all of it is; reading may go two bytes beyond a neighbour */
    int32_t end_x = x + dx * (count - 1), end_y = y + dy * (count - 1);
    int32_t least_x = x < end_x ? x : end_x, most_x = x < end_x ? end_x : x;
    int32_t least_y = y < end_y ? y : end_y, most_y = y < end_y ? end_y : y;
    int fast = 0;
    if (least_x >= 0 && least_y >= 0 && (most_x >> 16) <= image->width - 2 && (most_y >> 16) <= image->height - 3) {
        const int still = (((x | y | end_x | end_y) >> 8) & 255) == 0;
        if (still && y >> 16 == end_y >> 16 && (end_x >> 16) - (x >> 16) == count - 1) {
            const size_t from = ((size_t)(y >> 16) * image->width + (x >> 16)) * image->channels;
            memcpy(out, image->pixels + from, (size_t)count * image->channels);
            return;
        }
        fast = count - last;
        if (image->channels == 4)
            inside(image, x, y, dx, dy, fast, 4, out);
        else
            inside(image, x, y, dx, dy, fast, 3, out);
    }
    for (int i = fast; i < count; i++) pixel(image, x + dx * i, y + dy * i, out + (size_t)i * image->channels);
}

/* Where each cell's pixels begin in a row: the first one's index, its share of the cell, and what a pixel is of it. */
typedef struct {
    int begin;
    float share, step;
} Cell;

static void lay_cells(const float *at_x, int columns, int width, Cell *cells) {
    for (int c = 0; c + 1 < columns; c++) {
        float span = at_x[c + 1] - at_x[c], begin = ceilf(at_x[c]);
        cells[c].begin = begin < 0 || c == 0 ? 0 : begin > (float)width ? width : (int)begin;
        cells[c].share = ((float)cells[c].begin - at_x[c]) / span;
        cells[c].step = 1 / span;
    }
    cells[columns - 1].begin = width;
}

/* `nodes`: rows x columns positions, the outermost beyond the picture's edges; `at_y`: the rows where they stand.
   `line` is room for four positions a column; `behind`, if given, lies under a picture of four channels. */
static void warp(const Image *image, const float *nodes, int rows, int columns, const Cell *cells, const float *at_y,
                 const uint8_t *behind, uint8_t *out, float *line) {
    const int height = image->height, width = image->width;
    int32_t *first = (int32_t *)(line + 2 * columns), *step = first + 2 * columns;
    const size_t out_channels = behind ? 3 : (size_t)image->channels;
    int row = 0;
    for (int y = 0; y < height; y++) {
        while (row < rows - 2 && at_y[row + 1] <= (float)y) row++;
        const float part = ((float)y - at_y[row]) / (at_y[row + 1] - at_y[row]);
        const float *above = nodes + (size_t)row * columns * 2, *under = above + (size_t)columns * 2;
        for (int i = 0; i < 2 * columns; i++) line[i] = above[i] + part * (under[i] - above[i]);
        for (int c = 0; c + 1 < columns; c++)
            for (int i = 2 * c; i < 2 * c + 2; i++) {
                const float far = line[i + 2] - line[i], position = line[i] + cells[c].share * far;
                const float most = 15000; /* beyond the picture, however far, is its edge */
                /* half of 1/256 of a pixel is added, so that cutting to that later rounds */
                first[i] = (int32_t)((position < -most ? -most : position > most ? most : position) * ONE + 128.5f);
                step[i] = (int32_t)((far < -most ? -most : far > most ? most : far) * cells[c].step * ONE);
            }
        uint8_t *here = out + (size_t)y * width * out_channels;
        for (int c = 0; c + 1 < columns; c++) {
            const int begin = cells[c].begin, count = cells[c + 1].begin - begin;
            uint8_t *at = here + (size_t)begin * out_channels;
            if (count <= 0) continue;
            if (behind)
                run_over(image, first[2 * c], first[2 * c + 1], step[2 * c], step[2 * c + 1], count,
                         behind + (at - out), at);
            else
                run(image, first[2 * c], first[2 * c + 1], step[2 * c], step[2 * c + 1], count,
                    begin + count == width, at);
        }
    }
}

static PyObject *py_warp(PyObject *self, PyObject *args) {
    Py_buffer picture, nodes, at_x, at_y, out, behind;
    int height, width, channels;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*(iii)y*y*y*z*w*", &picture, &height, &width, &channels, &nodes, &at_x, &at_y,
                          &behind, &out))
        return NULL;
    const Py_ssize_t columns = at_x.len / (Py_ssize_t)sizeof(float), rows = at_y.len / (Py_ssize_t)sizeof(float);
    const Py_ssize_t size = (Py_ssize_t)height * width * channels;
    PyObject *result = NULL;
    float *line = NULL;
    Cell *cells = NULL;
    if (height < 1 || width < 1 || height > 30000 || width > 30000 || (channels != 3 && channels != 4) ||
        picture.len != size || (behind.buf && (channels != 4 || behind.len != size / 4 * 3)) ||
        out.len != (behind.buf ? size / 4 * 3 : size) || rows < 2 || columns < 2 ||
        nodes.len != rows * columns * 2 * (Py_ssize_t)sizeof(float)) {
        PyErr_SetString(PyExc_ValueError, "picture, nodes and result do not have shapes that go together");
    } else if ((line = malloc((size_t)columns * 6 * sizeof(float))) == NULL ||
               (cells = malloc((size_t)columns * sizeof(Cell))) == NULL) {
        PyErr_NoMemory();
    } else {
        const Image image = {picture.buf, height, width, channels};
        Py_BEGIN_ALLOW_THREADS
        lay_cells(at_x.buf, (int)columns, width, cells);
        warp(&image, nodes.buf, (int)rows, (int)columns, cells, at_y.buf, behind.buf, out.buf, line);
        Py_END_ALLOW_THREADS
        result = Py_NewRef(Py_None);
    }
    free(cells);
    free(line);
    PyBuffer_Release(&picture);
    PyBuffer_Release(&nodes);
    PyBuffer_Release(&at_x);
    PyBuffer_Release(&at_y);
    if (behind.obj) PyBuffer_Release(&behind);
    PyBuffer_Release(&out);
    return result;
}

static PyMethodDef methods[] = {
    {"warp", py_warp, METH_VARARGS, "warp(picture, (height, width, channels), nodes, at_x, at_y, behind, out): see warp.py"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_warp", "Warps pictures.", 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__warp(void) {
    prepare();
    return PyModule_Create(&module);
}
