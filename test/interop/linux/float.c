/* Floating point as programs print it: double, long double, conversions, the functions of libm. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  volatile double d = 1.0 / 3;
  volatile long double l = 1.0L / 3;
  volatile float f = 1.0f / 3;
  printf("%.17g %.21Lg %.9g\n", d, l, (double)f);
  printf("%e %g %a %f\n", 12345.678, 1e-300, 0.1, 1e15);
  printf("%Le %Lf %La\n", LDBL_MAX, 1234567.0L / 7, l);
  printf("%d %ld %lld\n", (int)(d * 100), (long)(l * 1e15L), (long long)-2.5);
  for (int k = 0; k < 8; k++) {
    volatile double x = k * 0.7 - 2;
    printf("%.15g %.15g %.15g %.15g %.15g\n", sin(x), exp(x), sqrt(fabs(x)), pow(fabs(x), 1.5), floor(x));
    volatile long double y = x;
    printf("%.18Lg %.18Lg %.18Lg\n", sqrtl(fabsl(y)), floorl(y), y * y - 1);
  }
  printf("%g %g %g %g\n", INFINITY, -INFINITY, fabs(NAN), 0.0 * -1);
  printf("%.17g %.17g %.20Lg\n", strtod("0.1e-5", 0), atof("123456789012345678901234567890"), strtold("3.14159265358979323846264338327950288", 0));
  double sum = 0;
  for (int k = 1; k <= 100000; k++) sum += 1.0 / k;
  printf("%.15g\n", sum);
  return 0;
}
