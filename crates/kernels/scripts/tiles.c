// Carries out the six instructions of AMX that elman uses where a processor has none: a library to be preloaded, whose handler of
// SIGILL decodes them, does what Intel's manual says (volume 2: LDTILECFG, TILEZERO, TILELOADD, TDPBF16PS, TILESTORED, TILERELEASE)
// and goes on behind them. Whatever the manual forbids ends the program, and so does any other instruction. `.ci/tiles` runs the
// kernels' laws over it.
//
//     cc -O2 -mfma -shared -fPIC -o tiles.so tiles.c -lm

#define _GNU_SOURCE
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { TILES = 8, ROWS = 16, BYTES = 64 };

static __thread uint8_t tiles[TILES][ROWS][BYTES];

static __thread struct {
    uint8_t palette, start, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} shapes;

static unsigned long products, loads;

static const int REGISTERS[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static void end(const char *why, const uint8_t *code) {
    fprintf(stderr, "tiles: %s: %02x %02x %02x %02x %02x\n", why, code[0], code[1], code[2], code[3], code[4]);
    _exit(99);
}

// What is subnormal is 0, whether it is read or comes out.
static float flushed(float x) {
    return fabsf(x) < 0x1p-126f ? copysignf(0, x) : x;
}

static float bf16(const uint8_t *at) {
    uint32_t bits = (uint32_t)(at[0] | at[1] << 8) << 16;
    float x;
    memcpy(&x, &bits, 4);
    return flushed(x);
}

static void configure(const uint8_t *from, const uint8_t *code) {
    memcpy(&shapes, from, sizeof shapes);
    memset(tiles, 0, sizeof tiles);
    if (shapes.palette != 1 || shapes.start != 0) end("a palette that is not known", code);
    for (int tile = 0; tile < 16; tile++) {
        int rows = shapes.rows[tile], bytes = shapes.row_bytes[tile];
        if ((rows == 0) != (bytes == 0) || rows > ROWS || bytes > BYTES || (tile >= TILES && rows)) end("shapes of tiles", code);
    }
}

static void multiply(int sums, int left, int right, const uint8_t *code) {
    int rows = shapes.rows[sums], columns = shapes.row_bytes[sums] / 4, depth = shapes.row_bytes[left] / 4;
    if (sums == left || sums == right || left == right) end("a tile twice", code);
    if (!rows || shapes.rows[left] != rows || shapes.rows[right] != depth || shapes.row_bytes[right] != 4 * columns)
        end("shapes of a product", code);
    for (int r = 0; r < rows; r++) {
        for (int n = 0; n < columns; n++) {
            float even = 0, odd = 0, sum;
            for (int k = 0; k < depth; k++) {
                even = flushed(fmaf(bf16(&tiles[left][r][4 * k]), bf16(&tiles[right][k][4 * n]), even));
                odd = flushed(fmaf(bf16(&tiles[left][r][4 * k + 2]), bf16(&tiles[right][k][4 * n + 2]), odd));
            }
            memcpy(&sum, &tiles[sums][r][4 * n], 4);
            sum = flushed(flushed(sum) + flushed(even + odd));
            memcpy(&tiles[sums][r][4 * n], &sum, 4);
        }
    }
    __atomic_fetch_add(&products, 1, __ATOMIC_RELAXED);
}

static void handle(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)registers[REG_RIP];
    // VEX of three bytes, opcode map 0F38, W 0, 128 bits.
    if (code[0] != 0xC4 || (code[1] & 31) != 2 || code[2] & 0x84) end("no instruction of tiles", code);
    int high_reg = !(code[1] & 0x80), high_index = !(code[1] & 0x40), high_base = !(code[1] & 0x20);
    int third = ~(code[2] >> 3) & 15, prefix = code[2] & 3, opcode = code[3], modrm = code[4];
    int mod = modrm >> 6, reg = (modrm >> 3 & 7) | high_reg << 3, rm = (modrm & 7) | high_base << 3, length = 5;
    uint8_t *base = NULL;
    long stride = 0;
    if (mod != 3) {
        if ((modrm & 7) == 4) {
            int sib = code[length++], index = (sib >> 3 & 7) | high_index << 3;
            if ((sib & 7) == 5 && mod == 0) end("an address without a base", code);
            if (index != 4) stride = registers[REGISTERS[index]] << (sib >> 6);
            base = (uint8_t *)registers[REGISTERS[(sib & 7) | high_base << 3]];
        } else {
            if ((modrm & 7) == 5 && mod == 0) end("an address relative to the code", code);
            base = (uint8_t *)registers[REGISTERS[rm]];
        }
        if (mod == 1) {
            base += (int8_t)code[length++];
        } else if (mod == 2) {
            int32_t offset;
            memcpy(&offset, code + length, 4);
            base += offset;
            length += 4;
        }
    }
    int is_data = opcode == 0x4B && mod != 3;
    if (reg >= TILES || ((is_data || (opcode == 0x49 && prefix == 3)) && !shapes.rows[reg])) end("a tile without a shape", code);
    if (opcode == 0x49 && prefix == 0 && mod != 3) {
        configure(base, code);
    } else if (opcode == 0x49 && prefix == 0 && modrm == 0xC0) {
        memset(&shapes, 0, sizeof shapes);
    } else if (opcode == 0x49 && prefix == 3) {
        memset(tiles[reg], 0, sizeof tiles[reg]);
    } else if (is_data && prefix == 3) {
        memset(tiles[reg], 0, sizeof tiles[reg]);
        for (int row = 0; row < shapes.rows[reg]; row++) memcpy(tiles[reg][row], base + row * stride, shapes.row_bytes[reg]);
        __atomic_fetch_add(&loads, 1, __ATOMIC_RELAXED);
    } else if (is_data && prefix == 2) {
        for (int row = 0; row < shapes.rows[reg]; row++) memcpy(base + row * stride, tiles[reg][row], shapes.row_bytes[reg]);
    } else if (opcode == 0x5C && prefix == 2 && mod == 3) {
        multiply(reg, rm, third, code);
    } else {
        end("an instruction that is not known", code);
    }
    registers[REG_RIP] += length;
}

static void report(void) {
    fprintf(stderr, "tiles: %lu products, %lu loads\n", products, loads);
    // A run that never came here would prove nothing.
    if (!products) _exit(98);
}

__attribute__((constructor)) static void start(void) {
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigaction(SIGILL, &action, NULL);
    atexit(report);
}
