package io.fulmar.verify.bench.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** All measurements, by what was measured. Immutable. */
final class Results {
  private final Map<Key, Result> results = new LinkedHashMap<>();

  private record Key(String shape, long rows, String contender, String scenario) {}

  /** All rounds of one scenario of one contender on rows of one shape and number. */
  record Result(
      String shape,
      long rows,
      String contender,
      String heap,
      String scenario,
      List<Measurement> rounds) {
    /** Of the rounds that count. */
    List<Double> counted(ToDoubleFunction<Measurement.Amounts> amount) {
      return rounds.stream()
          .filter(each -> each.round() > 0)
          .map(each -> amount.applyAsDouble(each.amounts()))
          .toList();
    }

    /** The median of the rounds that count. */
    double median(ToDoubleFunction<Measurement.Amounts> amount) {
      return Statistics.median(counted(amount));
    }

    /** What the round tells that does not count, which went through the relay. */
    double relayed(ToDoubleFunction<Measurement.Amounts> amount) {
      return Statistics.median(
          rounds.stream()
              .filter(each -> each.round() == 0)
              .map(each -> amount.applyAsDouble(each.amounts()))
              .toList());
    }

    double seconds() {
      return median(Measurement.Amounts::seconds);
    }

    /** To the bare COPY just before it in the same process. */
    double ratio() {
      return median(each -> each.seconds() / each.copySeconds());
    }

    /** What the contender said of itself in the last round. */
    String note() {
      return rounds.get(rounds.size() - 1).note();
    }

    /** Whether all that it should have delivered was delivered, in every round. */
    boolean isRight() {
      return rounds.stream().allMatch(each -> each.mismatch().isEmpty());
    }
  }

  Results(Collection<Measurement> measurements) {
    Map<Key, List<Measurement>> rounds = new LinkedHashMap<>();
    for (Measurement each : measurements) {
      rounds
          .computeIfAbsent(
              new Key(each.shape(), each.rows(), each.contender(), each.scenario()),
              key -> new ArrayList<>())
          .add(each);
    }
    rounds.forEach(
        (key, all) ->
            results.put(
                key,
                new Result(
                    key.shape, key.rows, key.contender, all.get(0).heap(), key.scenario, all)));
  }

  /** All, in the order in which they were measured. */
  Collection<Result> all() {
    return List.copyOf(results.values());
  }

  /** One; null if it was not measured. */
  @Nullable Result find(Shape shape, long rows, Entrant entrant, Scenario scenario) {
    return results.get(new Key(shape.label(), rows, entrant.label(), scenario.title()));
  }

  /** The medians of the bare COPY, one of each process. */
  List<Double> copies(Shape shape, long rows) {
    return entrants(shape).stream()
        .map(entrant -> copy(shape, rows, entrant))
        .filter(each -> !each.isNaN())
        .toList();
  }

  private Double copy(Shape shape, long rows, Entrant entrant) {
    return Statistics.median(
        Arrays.stream(Scenario.values())
            .map(each -> find(shape, rows, entrant, each))
            .filter(each -> each != null)
            .flatMap(each -> each.counted(Measurement.Amounts::copySeconds).stream())
            .toList());
  }

  /** Those of a shape, ascending. */
  List<Long> sizes(Shape shape) {
    return results.values().stream()
        .filter(each -> each.shape.equals(shape.label()))
        .map(Result::rows)
        .distinct()
        .sorted()
        .toList();
  }

  /** One scenario of one contender at all numbers of rows at which it was measured, ascending. */
  List<Result> bySize(Shape shape, Entrant entrant, Scenario scenario) {
    List<Result> found = new ArrayList<>();
    for (long size : sizes(shape)) {
      Result result = find(shape, size, entrant, scenario);
      if (result != null) {
        found.add(result);
      }
    }
    return found;
  }

  /** Who took part with rows of a shape, in order. */
  List<Entrant> entrants(Shape shape) {
    List<String> present =
        results.values().stream()
            .filter(each -> each.shape.equals(shape.label()))
            .map(Result::contender)
            .distinct()
            .toList();
    return List.of(Entrant.values()).stream()
        .filter(each -> present.contains(each.label()))
        .toList();
  }
}
