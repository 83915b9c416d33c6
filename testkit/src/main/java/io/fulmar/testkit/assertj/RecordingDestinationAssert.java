package io.fulmar.testkit.assertj;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import io.fulmar.RunOptions;
import io.fulmar.internal.type.JavaValue;
import io.fulmar.testkit.RecordingDestination;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.assertj.core.api.AbstractAssert;
import org.jspecify.annotations.Nullable;

/**
 * Assertions about what a recording destination got and holds. Values are compared by PostgreSQL's
 * text of them, so that 7 and 7L are the same, and 1.0 and 1.00 are not; messages show them. Not
 * threadsafe.
 */
public final class RecordingDestinationAssert
    extends AbstractAssert<RecordingDestinationAssert, RecordingDestination> {
  private static final int MOST_SHOWN = 20;

  RecordingDestinationAssert(@Nullable RecordingDestination actual) {
    super(actual, RecordingDestinationAssert.class);
  }

  /** So many changes came in so far, repeated ones included. */
  public RecordingDestinationAssert received(int count) {
    isNotNull();
    if (actual.changes().size() != count) {
      throw wrong("to have received %s changes".formatted(count), received());
    }
    return this;
  }

  /** No call came in so far. */
  public RecordingDestinationAssert receivedNothing() {
    return received(0);
  }

  /**
   * Such a change of a key came in, at least once.
   *
   * @param operation what happened in the source
   * @param first the first column of the key, as its value or as PostgreSQL's text
   * @param more its further columns, in the order of the key
   */
  public RecordingDestinationAssert received(Operation operation, Object first, Object... more) {
    Objects.requireNonNull(operation, "operation");
    isNotNull();
    List<String> key = key(first, more);
    boolean found =
        actual.changes().stream()
            .anyMatch(change -> change.operation() == operation && texts(change.key()).equals(key));
    if (!found) {
      throw wrong("to have received %s %s".formatted(Told.word(operation), key), received());
    }
    return this;
  }

  /**
   * It holds the rows of these keys and no others.
   *
   * @param keys each as its value or text; one of several columns as a list of them
   */
  public RecordingDestinationAssert holdsKeys(Object... keys) {
    isNotNull();
    Set<List<@Nullable String>> expected = new LinkedHashSet<>();
    for (Object each : keys) {
      List<?> columns = each instanceof List<?> list ? list : List.of(each);
      expected.add(List.copyOf(key(columns.toArray())));
    }
    Set<List<@Nullable String>> held = actual.contents().keySet();
    if (!held.equals(expected)) {
      List<List<@Nullable String>> missing = new ArrayList<>(expected);
      missing.removeAll(held);
      List<List<@Nullable String>> more = new ArrayList<>(held);
      more.removeAll(expected);
      throw wrong(
          "to hold %s keys".formatted(expected.size()),
          List.of(
              "it holds " + held.size(),
              "missing: " + shown(missing),
              "not expected: " + shown(more)));
    }
    return this;
  }

  /** It holds no rows. */
  public RecordingDestinationAssert holdsNothing() {
    return holdsKeys();
  }

  /**
   * It holds a row with these values; its other columns are not looked at.
   *
   * @param values by their columns
   */
  public RecordingDestinationAssert holdsRow(Map<String, ? extends @Nullable Object> values) {
    isNotNull();
    Map<String, @Nullable String> expected = texts(values);
    if (actual.contents().values().stream().noneMatch(row -> hasAll(row, expected))) {
      throw wrong("to hold a row with " + expected, held());
    }
    return this;
  }

  /**
   * It holds these rows and no others, in any order.
   *
   * @param rows each with the values of all its columns
   */
  public RecordingDestinationAssert holdsExactlyRows(
      Collection<? extends Map<String, ? extends @Nullable Object>> rows) {
    isNotNull();
    List<Map<String, @Nullable String>> missing = new ArrayList<>();
    List<Map<String, @Nullable String>> more = new ArrayList<>();
    actual.contents().values().forEach(row -> more.add(textsByColumn(row)));
    for (Map<String, ? extends @Nullable Object> row : rows) {
      Map<String, @Nullable String> expected = texts(row);
      if (!more.remove(expected)) {
        missing.add(expected);
      }
    }
    if (!missing.isEmpty() || !more.isEmpty()) {
      throw wrong(
          "to hold exactly %s rows".formatted(rows.size()),
          List.of("missing: " + shown(missing), "not expected: " + shown(more)));
    }
    return this;
  }

  /** Fulmar broke none of its promises to destinations. */
  public RecordingDestinationAssert keptPromises() {
    isNotNull();
    if (!actual.violations().isEmpty()) {
      throw wrong("to see all promises to destinations kept", actual.violations());
    }
    return this;
  }

  /** Everything in its script has happened; see {@link RecordingDestination#verifyScript}. */
  public RecordingDestinationAssert playedScript() {
    isNotNull();
    List<String> unused = actual.unusedScript();
    if (!unused.isEmpty()) {
      List<String> lines = new ArrayList<>(unused);
      lines.add(
          "-> a line that never applied proves nothing: look at its key, or how often it is tried");
      throw wrong("to have played its script to the end", lines);
    }
    return this;
  }

  private AssertionError wrong(String expected, List<String> lines) {
    return failure(
        "%s", Told.lines("Expecting %s %s, but:".formatted(actual.identity(), expected), lines));
  }

  private List<String> received() {
    List<String> lines = new ArrayList<>();
    List<Change> changes = actual.changes();
    lines.add(
        "it received %s changes in %s calls".formatted(changes.size(), actual.calls().size()));
    changes.stream()
        .limit(MOST_SHOWN)
        .forEach(
            change ->
                lines.add(
                    "%s %s, attempt %s"
                        .formatted(
                            Told.word(change.operation()), texts(change.key()), change.attempt())));
    if (changes.isEmpty()) {
      lines.add(
          "-> look at the report of the run: nothing due, held by a guard, or failed earlier");
    }
    return lines;
  }

  private List<String> held() {
    List<String> lines = new ArrayList<>();
    lines.add("it holds %s rows".formatted(actual.contents().size()));
    actual.contents().values().stream()
        .limit(MOST_SHOWN)
        .forEach(row -> lines.add(textsByColumn(row).toString()));
    return lines;
  }

  private static String shown(List<?> all) {
    return all.size() <= MOST_SHOWN
        ? all.toString()
        : all.subList(0, MOST_SHOWN) + " and " + (all.size() - MOST_SHOWN) + " more";
  }

  private static List<String> key(Object first, Object... more) {
    List<Object> columns = new ArrayList<>();
    columns.add(Objects.requireNonNull(first, "first"));
    columns.addAll(Arrays.asList(more));
    return key(columns.toArray());
  }

  private static List<String> key(Object[] columns) {
    return RunOptions.builder().key(columns).build().keys().get(0);
  }

  private static List<@Nullable String> texts(Row row) {
    return new ArrayList<>(textsByColumn(row).values());
  }

  private static Map<String, @Nullable String> textsByColumn(Row row) {
    Map<String, @Nullable String> texts = new LinkedHashMap<>();
    row.columns().forEach(column -> texts.put(column, row.text(column)));
    return texts;
  }

  private static Map<String, @Nullable String> texts(
      Map<String, ? extends @Nullable Object> values) {
    Map<String, @Nullable String> texts = new LinkedHashMap<>();
    values.forEach(
        (column, value) ->
            texts.put(column, value == null ? null : JavaValue.text(JavaValue.normal(value))));
    return texts;
  }

  private static boolean hasAll(Row row, Map<String, @Nullable String> expected) {
    return row.columns().containsAll(expected.keySet())
        && expected.entrySet().stream()
            .allMatch(entry -> Objects.equals(row.text(entry.getKey()), entry.getValue()));
  }
}
