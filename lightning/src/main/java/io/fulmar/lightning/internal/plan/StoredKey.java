package io.fulmar.lightning.internal.plan;

import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.sql.Identifier;
import io.fulmar.internal.type.ColumnKind;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The columns {@code k0, k1 ...} in which our tables keep keys: in a normal form, under which
 * PostgreSQL's {@code =} and the image of a key say the same. Immutable.
 *
 * @param kinds how each is read out of our tables, which is not how it is read out of the model
 */
public record StoredKey(List<ColumnKind> kinds) {
  /** Copies the list. */
  public StoredKey {
    kinds = List.copyOf(kinds);
  }

  /** The key of a model. */
  public static StoredKey of(ModelShape shape) {
    return new StoredKey(
        shape.keyPositions().stream()
            .map(i -> StoredForm.ofKey(shape.columns().get(i).kind()))
            .toList());
  }

  /**
   * What {@link #text} gave.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static StoredKey parse(String text) {
    return new StoredKey(Arrays.stream(text.split(",")).map(ColumnKind::valueOf).toList());
  }

  /** As one line of text. */
  public String text() {
    return kinds.stream().map(ColumnKind::name).collect(Collectors.joining(","));
  }

  /** The types of the columns, as PostgreSQL writes them: {@code bigint}. */
  public List<String> types() {
    return kinds.stream().map(StoredForm::type).toList();
  }

  /** The names of the columns. */
  public List<Identifier> columns() {
    return IntStream.range(0, kinds.size()).mapToObj(i -> Identifier.of("k" + i)).toList();
  }

  /**
   * The names of the columns behind a table or alias.
   *
   * @param before the table or alias
   */
  public List<Identifier> columns(String before) {
    return IntStream.range(0, kinds.size()).mapToObj(i -> Identifier.of(before, "k" + i)).toList();
  }
}
