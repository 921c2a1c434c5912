// SPDX-License-Identifier: GPL-2.0-or-later
//
// Compiled in the guest, by its gcc, and run there: integers, floating point of three
// widths, sorting, signals and processes.
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void handler(int signal) {
    caught += signal;
}

static int compare(const void* left, const void* right) {
    uint64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return (a > b) - (a < b);
}

static uint64_t next(uint64_t* state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void matrix(void) {
    enum { kSize = 40 };
    static double a[kSize][kSize], b[kSize][kSize], c[kSize][kSize];
    for (int i = 0; i < kSize; ++i)
        for (int j = 0; j < kSize; ++j) {
            a[i][j] = 1.0 / (i + j + 1);
            b[i][j] = sin(i * 0.3) + cos(j * 0.7);
        }
    for (int i = 0; i < kSize; ++i)
        for (int j = 0; j < kSize; ++j)
            for (int k = 0; k < kSize; ++k) c[i][j] += a[i][k] * b[k][j];
    double trace = 0;
    for (int i = 0; i < kSize; ++i) trace += c[i][i];
    printf("matrix %a %a\n", trace, c[3][17]);
}

int main(void) {
    uint64_t state = 88172645463325252ull;
    static uint64_t numbers[20000];
    uint64_t mixed = 0;
    for (int i = 0; i < 20000; ++i) numbers[i] = next(&state) / (1 + (next(&state) & 0xff));
    qsort(numbers, 20000, sizeof numbers[0], compare);
    for (int i = 0; i < 20000; ++i) mixed = mixed * 31 + (numbers[i] ^ (uint64_t)i);
    printf("sorted %016llx %llu\n", (unsigned long long)mixed, (unsigned long long)(numbers[77] % 1000003));
    matrix();
    float narrow = 0;
    long double wide = 0;
    for (int i = 1; i < 3000; ++i) {
        narrow += 1.0f / (float)i;
        wide += 1.0L / i * (i & 1 ? 1 : -1);
    }
    printf("widths %a %.18Lg %ld %.17g\n", narrow, wide, lrint(2.5), nextafter(1.0, 2.0));
    unsigned __int128 product = 1;
    for (int i = 3; i < 60; i += 2) product *= (unsigned)i;
    printf("128 bits %016llx%016llx\n", (unsigned long long)(product >> 64), (unsigned long long)product);

    signal(SIGUSR1, handler);
    const pid_t child = fork();
    if (child == 0) {
        kill(getppid(), SIGUSR1);
        volatile int* nowhere = NULL;
        *nowhere = 1;
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {}
    printf("child killed by %d, caught %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1, caught == SIGUSR1);
    return 0;
}
