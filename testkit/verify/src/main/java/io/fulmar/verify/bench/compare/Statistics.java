package io.fulmar.verify.bench.compare;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/** Medians, spreads and slopes. */
final class Statistics {
  private Statistics() {}

  /** The middle one, or the mean of the two in the middle; NaN of nothing. NaNs are left out. */
  static double median(Collection<Double> values) {
    double[] sorted = sorted(values);
    if (sorted.length == 0) {
      return Double.NaN;
    }
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** The least; NaN of nothing. */
  static double least(Collection<Double> values) {
    double[] sorted = sorted(values);
    return sorted.length == 0 ? Double.NaN : sorted[0];
  }

  /** The greatest; NaN of nothing. */
  static double most(Collection<Double> values) {
    double[] sorted = sorted(values);
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length - 1];
  }

  /** Half the distance between least and greatest, as a share of the median. */
  static double spread(Collection<Double> values) {
    return (most(values) - least(values)) / 2 / median(values);
  }

  /**
   * With which power of {@code x} {@code y} grows: the slope of the straight line through the
   * logarithms by least squares.
   *
   * @param x above 0
   * @param y above 0, as many
   * @return NaN of fewer than two different x
   */
  static double exponent(double[] x, double[] y) {
    double[] a = Arrays.stream(x).map(Math::log).toArray();
    double[] b = Arrays.stream(y).map(Math::log).toArray();
    double meanA = Arrays.stream(a).average().orElse(Double.NaN);
    double meanB = Arrays.stream(b).average().orElse(Double.NaN);
    double together = 0;
    double alone = 0;
    for (int i = 0; i < a.length; i++) {
      together += (a[i] - meanA) * (b[i] - meanB);
      alone += (a[i] - meanA) * (a[i] - meanA);
    }
    return alone == 0 ? Double.NaN : together / alone;
  }

  /** With which power of the rows the median time grows. */
  static double exponent(List<Results.Result> bySize) {
    return exponent(
        bySize.stream().mapToDouble(Results.Result::rows).toArray(),
        bySize.stream().mapToDouble(Results.Result::seconds).toArray());
  }

  private static double[] sorted(Collection<Double> values) {
    return values.stream()
        .mapToDouble(Double::doubleValue)
        .filter(v -> !Double.isNaN(v))
        .sorted()
        .toArray();
  }
}
