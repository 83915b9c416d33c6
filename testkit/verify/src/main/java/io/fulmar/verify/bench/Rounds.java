package io.fulmar.verify.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How long each variant took in each round. Not threadsafe. */
final class Rounds {
  private final Map<String, List<Double>> seconds = new LinkedHashMap<>();

  /** What is measured. */
  @FunctionalInterface
  interface Work {
    /** Does it once. */
    void run() throws Exception;
  }

  /** Measures something once. */
  void timed(String name, Work work) throws Exception {
    long began = System.nanoTime();
    work.run();
    add(name, (System.nanoTime() - began) / 1e9);
  }

  /** Takes in what was measured elsewhere. */
  void add(String name, double measured) {
    seconds.computeIfAbsent(name, n -> new ArrayList<>()).add(measured);
  }

  /** Forgets everything: the rounds so far were for the compiler. */
  void warm() {
    seconds.clear();
  }

  /** The variants, in the order in which they were measured first. */
  List<String> names() {
    return List.copyOf(seconds.keySet());
  }

  /** The median of a variant; NaN if it was not measured. */
  double median(String name) {
    List<Double> sorted = seconds.getOrDefault(name, List.of()).stream().sorted().toList();
    return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
  }

  /** The shortest time of a variant that was measured. */
  double least(String name) {
    return Collections.min(seconds.getOrDefault(name, List.of(Double.NaN)));
  }

  /** The longest time of a variant that was measured. */
  double most(String name) {
    return Collections.max(seconds.getOrDefault(name, List.of(Double.NaN)));
  }
}
