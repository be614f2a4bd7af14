/* What `npm run bench machine` runs: kernels NAME ROUNDS. Small loops of the kinds programs are made of. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N 65536
static uint8_t bytes[1 << 20];
static uint32_t table[256];
static int numbers[N];
static uint64_t a[96][96], b[96][96], c[96][96];
static double da[64][64], db[64][64], dc[64][64];

static uint32_t seed = 1;
static uint32_t next(void) { return seed = seed * 1664525u + 1013904223u; }

static uint64_t crc(void) {
  uint32_t sum = ~0u;
  for (int i = 0; i < N; i++) sum = table[(sum ^ bytes[i]) & 255] ^ sum >> 8;
  return sum;
}

static void sort(int *v, int lo, int hi) {
  while (lo < hi) {
    int pivot = v[lo + (hi - lo) / 2], i = lo, j = hi;
    while (i <= j) {
      while (v[i] < pivot) i++;
      while (v[j] > pivot) j--;
      if (i <= j) { int t = v[i]; v[i++] = v[j]; v[j--] = t; }
    }
    if (lo < j) sort(v, lo, j);
    lo = i;
  }
}

static uint64_t quicksort(void) {
  for (int i = 0; i < N; i++) numbers[i] = (int)next();
  sort(numbers, 0, N - 1);
  return (uint32_t)numbers[N / 2];
}

__attribute__((noinline)) static uint64_t fibonacci(uint64_t n) {
  if (n < 2) return n;
  uint64_t before = fibonacci(n - 1);
  return before + fibonacci(n - 2);
}
static uint64_t fib(void) { return fibonacci(22); }

static uint64_t matrix(void) {
  for (int i = 0; i < 96; i++)
    for (int j = 0; j < 96; j++) {
      uint64_t sum = 0;
      for (int k = 0; k < 96; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  return a[1][2] = c[5][7];
}

static uint64_t doubles(void) {
  for (int i = 0; i < 64; i++)
    for (int j = 0; j < 64; j++) {
      double sum = 0;
      for (int k = 0; k < 64; k++) sum += da[i][k] * db[k][j];
      dc[i][j] = sum;
    }
  da[1][2] = dc[5][7] * 1e-9;
  return (uint64_t)(int64_t)dc[5][7];
}

static uint64_t sieve(void) {
  static uint8_t no[N * 4];
  uint64_t primes = 0;
  memset(no, 0, sizeof no);
  for (int i = 2; i < N * 4; i++) {
    if (no[i]) continue;
    primes++;
    for (long j = 2L * i; j < N * 4; j += i) no[j] = 1;
  }
  return primes;
}

static uint64_t strings(void) {
  static char text[N], other[N];
  uint64_t found = 0;
  for (int i = 0; i < N - 1; i++) text[i] = 'a' + bytes[i] % 26;
  strcpy(other, text);
  for (int i = 0; i < 50; i++) {
    found += strlen(text + i);
    found += strcmp(text, other) == 0;
    for (char *p = text; (p = strchr(p, 'a' + i % 26)); p++) found++;
    found += strstr(text, "zzzz") != 0;
  }
  return found;
}

static uint64_t hash(void) {
  uint64_t h = 1, k;
  for (int i = 0; i < N; i += 8) {
    memcpy(&k, bytes + i, 8);
    k *= 0xc2b2ae3d27d4eb4full;
    h = (h ^ (k << 31 | k >> 33)) * 0x9e3779b185ebca87ull + i;
  }
  return h;
}

static uint64_t getpids(void) { return (uint64_t)syscall(SYS_getpid); }

static int file = -1;
static uint64_t reads(void) { return (uint64_t)pread(file, bytes, 4096, 0); }

int main(int argc, char **argv) {
  static const struct { const char *name; uint64_t (*run)(void); } all[] = {
    {"crc", crc}, {"quicksort", quicksort}, {"fib", fib}, {"matrix", matrix}, {"doubles", doubles}, {"sieve", sieve}, {"strings", strings}, {"hash", hash}, {"getpid", getpids}, {"read", reads},
  };
  uint64_t sum = 0;
  if (argc > 3) file = open(argv[3], O_RDONLY);
  for (int i = 0; i < 256; i++) {
    table[i] = i;
    for (int k = 0; k < 8; k++) table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320u : table[i] >> 1;
  }
  for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = next() >> 24;
  for (int i = 0; i < 96; i++) for (int j = 0; j < 96; j++) a[i][j] = i * 3 + j, b[i][j] = i - j;
  for (int i = 0; i < 64; i++) for (int j = 0; j < 64; j++) da[i][j] = i * 3 + j, db[i][j] = i - j;
  for (unsigned i = 0; argc > 2 && i < sizeof all / sizeof *all; i++)
    if (!strcmp(argv[1], all[i].name)) for (long n = atol(argv[2]); n > 0; n--) sum = sum * 31 + all[i].run();
  printf("%016llx\n", (unsigned long long)sum);
  return 0;
}
