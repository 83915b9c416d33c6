package io.fulmar.lightning.internal.schema;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Fields as one line of text, a tab between them. A backslash, a tab and a line feed in them are
 * escaped as in Java.
 */
public final class TabbedLine {
  private TabbedLine() {}

  /** As text. */
  public static String of(List<String> fields) {
    return fields.stream()
        .map(field -> field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n"))
        .collect(Collectors.joining("\t"));
  }

  /**
   * What {@link #of} was given.
   *
   * @throws IllegalArgumentException if the text has another escape in it
   */
  public static List<String> parse(String line) {
    return Arrays.stream(line.split("\t", -1)).map(String::translateEscapes).toList();
  }
}
