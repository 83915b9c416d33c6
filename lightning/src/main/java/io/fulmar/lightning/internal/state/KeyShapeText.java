package io.fulmar.lightning.internal.state;

import io.fulmar.internal.row.Shape;
import io.fulmar.internal.row.StoredColumn;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the keys of a sync are decoded, as one line of text: {@code id:INT8:0,region:TEXT:1}. */
public final class KeyShapeText {
  private static final int PARTS = 3;

  private KeyShapeText() {}

  /** As text. */
  public static String of(Shape shape) {
    List<String> columns = new ArrayList<>();
    for (StoredColumn column : StoredColumn.of(shape)) {
      columns.add(
          "%s:%s:%s".formatted(encoded(column.name()), encoded(column.type()), column.field()));
    }
    return String.join(",", columns);
  }

  /**
   * What {@link #of} gave; null for null.
   *
   * @throws IllegalArgumentException if it is something else
   */
  public static @Nullable Shape parse(@Nullable String text) {
    if (text == null) {
      return null;
    }
    List<StoredColumn> columns = new ArrayList<>();
    for (String column : text.split(",")) {
      String[] parts = column.split(":");
      if (parts.length != PARTS) {
        throw new IllegalArgumentException("a column of a key has three parts");
      }
      columns.add(
          new StoredColumn(decoded(parts[0]), decoded(parts[1]), Integer.parseInt(parts[2])));
    }
    return StoredColumn.shape(columns);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }
}
