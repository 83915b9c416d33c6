package io.fulmar.testkit.harness;

import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.Row;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A change as a destination got it.
 *
 * @param id its change id
 * @param operation what happened in the source
 * @param key the text of its key; of several columns, joined by a bar
 * @param content the other columns, long values as a digest; empty for a removal
 * @param sequence its sequence
 */
record Sent(String id, Operation operation, String key, String content, long sequence) {
  private static final int LONGEST = 40;

  /**
   * What a change says.
   *
   * @param varying columns that may be others when it comes again
   */
  static Sent of(Change change, Set<String> varying) {
    List<String> keys = change.key().columns();
    List<String> key = new ArrayList<>();
    keys.forEach(column -> key.add(String.valueOf(change.key().text(column))));
    return new Sent(
        change.changeId(),
        change.operation(),
        String.join("|", key),
        change.operation() == Operation.REMOVED ? "" : content(change.row(), keys, varying),
        change.sequence());
  }

  /** The columns of a row besides its key and those that may vary. */
  static String content(Row row, List<String> keys, Set<String> varying) {
    StringBuilder content = new StringBuilder();
    for (String column : row.columns()) {
      if (!keys.contains(column) && !varying.contains(column)) {
        content.append(column).append('=').append(shown(row.text(column))).append(' ');
      }
    }
    return content.toString().strip();
  }

  private static String shown(@Nullable String text) {
    if (text == null || text.length() <= LONGEST) {
      return String.valueOf(text);
    }
    return "#" + UUID.nameUUIDFromBytes(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What it says, whatever its id. */
  String what() {
    return operation + " " + key + (content.isEmpty() ? "" : " " + content);
  }
}
