// Exponential and logarithm from additions and multiplications only, so that every compiler computes the same
// to the last bits and none needs a mathematics library.
#pragma once
#include "device.cuh"

// exp_of returns e^x within 2 units in the last place: 0 below -104, infinity above 89; NaN stays. Reduction by a
// multiple of ln 2 in two parts, then the Taylor series to x^7 on |x| <= ln 2 / 2.
__device__ inline float exp_of(float x) {
    x = x < -104.0f ? -104.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float k = x * 1.44269504f + 12582912.0f; // 1.5 * 2^23: the sum has no fraction
    k = k - 12582912.0f;
    float r = x - k * 0.693359375f; // exact: 9 bits times at most 8
    r = r + k * 2.12194440e-4f;
    float p = 1.98412698e-4f;
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    int e = k == k ? int(k) : 0, half = e / 2; // two factors: 2^e alone may lie outside the float's range
    return p * __int_as_float((half + 127) << 23) * __int_as_float((e - half + 127) << 23);
}

// log_of returns the natural logarithm of x > 0 within 1e-15 of its size or of 1: the exponent, and
// 2 artanh((m - 1) / (m + 1)) of the mantissa m in [0.7, 1.4]. Infinity and NaN stay.
__device__ inline double log_of(double x) {
    if (!(x < 1e300)) return x;
    int e = 0;
    while (x > 1.4142135623730951) { // at most 1,000 halvings, of a number that is mostly near 1
        double s = x > 1.8446744073709552e19 ? 5.421010862427522e-20 : 0.5;
        e += s == 0.5 ? 1 : 64;
        x *= s;
    }
    while (x < 0.7071067811865476 && x > 0) {
        double s = x < 5.421010862427522e-20 ? 1.8446744073709552e19 : 2.0;
        e -= s == 2.0 ? 1 : 64;
        x *= s;
    }
    double z = (x - 1) / (x + 1), q = z * z, sum = 0;
    for (int n = 19; n >= 1; n -= 2) sum = sum * q + 1.0 / n;
    return 2 * z * sum + e * 0.6931471805599453;
}
