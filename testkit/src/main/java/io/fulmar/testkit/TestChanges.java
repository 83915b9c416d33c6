package io.fulmar.testkit;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Changes and rows that need no database, to unit-test a destination with. They look like those of
 * an engine: values are of the types that {@link Row} documents and have PostgreSQL's text, no two
 * changes have one id, and {@link Change#sequence} grows.
 *
 * <pre>{@code
 * TestChanges changes = TestChanges.keyedBy("id");
 * Change added = changes.added("id", 7L, "email", "ada@example.org");
 * Change removed = changes.removed("id", 7L);
 * try (Writer writer = crm.open(new RunContext("crm", 1, 1, Duration.ofSeconds(30)))) {
 *   writer.write(new Batch(Action.UPSERT, List.of(added)));
 *   writer.write(new Batch(Action.UPSERT, List.of(TestChanges.again(added)))); // a repeat
 *   writer.write(new Batch(Action.DELETE, List.of(removed)));
 * }
 * }</pre>
 *
 * <p>This class is thread-safe.
 */
public final class TestChanges {
  private final List<String> key;
  private final AtomicLong sequence = new AtomicLong();
  // A target that several tests write to must not take the changes of one for those of another.
  private final long incarnation = ThreadLocalRandom.current().nextLong();

  private TestChanges(List<String> key) {
    this.key = key;
  }

  /**
   * Makes changes of a model with a key.
   *
   * @param columns the names of the key's columns, one at least
   */
  public static TestChanges keyedBy(String... columns) {
    if (columns.length == 0) {
      throw new IllegalArgumentException("a key has one column at least");
    }
    return new TestChanges(List.of(columns));
  }

  /**
   * A row.
   *
   * @param namesAndValues names of columns and values by turns; null for NULL
   * @throws IllegalArgumentException if a name or a value is missing, a name comes twice, or a
   *     value is of a type that {@link Row} does not have; the message does not show the value
   */
  public static Row row(@Nullable Object... namesAndValues) {
    return ValueRow.of(Objects.requireNonNull(namesAndValues, "namesAndValues"));
  }

  /**
   * A row came into the model.
   *
   * @param namesAndValues the row as in {@link #row}, with the columns of the key, not null
   * @throws IllegalArgumentException as {@link #row}, or if the key is not whole
   */
  public Change added(@Nullable Object... namesAndValues) {
    return change(Operation.ADDED, namesAndValues);
  }

  /**
   * A row of the model changed.
   *
   * @param namesAndValues the row as in {@link #row}, with the columns of the key, not null
   * @throws IllegalArgumentException as {@link #row}, or if the key is not whole
   */
  public Change changed(@Nullable Object... namesAndValues) {
    return change(Operation.CHANGED, namesAndValues);
  }

  /**
   * A row left the model.
   *
   * @param namesAndValues the key as in {@link #row}, and after it the columns that the sync
   *     remembers
   * @throws IllegalArgumentException as {@link #row}, or if the key is not whole
   */
  public Change removed(@Nullable Object... namesAndValues) {
    return change(Operation.REMOVED, namesAndValues);
  }

  /** The same change when it is sent again: its id and sequence stay, the attempt is the next. */
  public static Change again(Change change) {
    return new Change(
        change.operation(),
        change.key(),
        change.row(),
        change.changeId(),
        change.sequence(),
        change.attempt() + 1,
        change.previous());
  }

  private Change change(Operation operation, @Nullable Object... namesAndValues) {
    ValueRow row = ValueRow.of(Objects.requireNonNull(namesAndValues, "namesAndValues"));
    for (String column : key) {
      if (!row.columns().contains(column) || row.text(column) == null) {
        throw new IllegalArgumentException(
            "the key is %s, and the row has no value for %s".formatted(key, column));
      }
    }
    long number = sequence.incrementAndGet();
    return new Change(operation, row.only(key), row, id(number), number, 1);
  }

  /** 32 hexadecimal digits, as those of an engine. */
  private String id(long number) {
    return digits(incarnation) + digits(number);
  }

  private static String digits(long number) {
    String hex = Long.toHexString(number);
    return "0".repeat(16 - hex.length()) + hex;
  }

  /** Names the key. */
  @Override
  public String toString() {
    return "TestChanges" + key;
  }
}
