package io.fulmar.lightning.internal.delta;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a delta scan goes by: the snapshot of the last plan that was folded whole, and all under
 * which it was made. Immutable; kept as text with the sync. No value of the application is in it,
 * only digests.
 *
 * @param horizon the oldest transaction that was not over in that snapshot: rows that it did not
 *     show were written by this one or a later one
 * @param parts what must be as it was, each under the name of its {@link Part}
 */
record DeltaBase(long horizon, Map<Part, String> parts) {
  private static final String FORMAT = "fulmar delta base 1";

  /** What is compared. */
  enum Part {
    SERVER("the source is another server, or was promoted or restored"),
    VERSION("the server runs another version of PostgreSQL"),
    TABLE("the table was made anew"),
    PARTITIONS("a partition was attached or detached"),
    COLUMNS("a column of the table was altered, or made anew"),
    TYPES("a type of the table's columns was altered"),
    CONTENT(
        "rows are compared in another way: mapping, columns or types changed, or all are due again"),
    KEY("the key of the model changed"),
    MODE("the mode changed"),
    REMOVAL("what happens to removed rows changed"),
    SETTINGS("a setting of the model changed"),
    REMEMBERED("other columns are remembered");

    private final String changed;

    Part(String changed) {
      this.changed = changed;
    }

    /** Why there is no delta scan if it is not as it was. */
    String changed() {
      return changed + " since the base";
    }
  }

  DeltaBase {
    parts = Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /** The first part that is not as it was; null for none. */
  @Nullable Part differs(DeltaBase before) {
    for (Part part : Part.values()) {
      if (!Objects.equals(parts.get(part), before.parts.get(part))) {
        return part;
      }
    }
    return null;
  }

  /** As text, for {@link #parse}. */
  String text() {
    StringBuilder text = new StringBuilder(FORMAT).append('\n').append(horizon);
    parts.forEach((part, value) -> text.append('\n').append(part).append(' ').append(value));
    return text.toString();
  }

  /** What {@link #text} gave; null if it is of another release, or nothing. */
  static @Nullable DeltaBase parse(@Nullable String text) {
    if (text == null) {
      return null;
    }
    String[] lines = text.split("\n", -1);
    if (lines.length != Part.values().length + 2 || !lines[0].equals(FORMAT)) {
      return null;
    }
    try {
      Map<Part, String> parts = new LinkedHashMap<>();
      for (int i = 2; i < lines.length; i++) {
        int space = lines[i].indexOf(' ');
        parts.put(
            Part.valueOf(lines[i].substring(0, Math.max(0, space))), lines[i].substring(space + 1));
      }
      return new DeltaBase(Long.parseLong(lines[1]), parts);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** Shows no digest. */
  @Override
  public String toString() {
    return "DeltaBase[" + horizon + "]";
  }
}
