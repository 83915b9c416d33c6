package io.fulmar.internal.mapping;

import io.fulmar.Mapping;
import io.fulmar.internal.type.JavaValue;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * A mapping as a text that is another one when rows have to be sent again: without the order of the
 * columns, and without those that are not compared. Holds no values.
 */
public final class MappingSignature {
  private static final int DIGEST_BYTES = 16;

  private MappingSignature() {}

  /** The signature; empty without a mapping. */
  public static String of(@Nullable Mapping mapping) {
    StringBuilder text = new StringBuilder();
    if (mapping != null) {
      mapping.columns().stream()
          .sorted(Comparator.comparing(Mapping.Column::name))
          .forEach(column -> append(text, column));
    }
    return text.toString();
  }

  private static void append(StringBuilder text, Mapping.Column column) {
    if (column instanceof Mapping.Chosen chosen) {
      line(text, "column", column.name(), chosen.column());
    } else if (column instanceof Mapping.Constant constant) {
      line(text, "constant", column.name(), digest(constant.value()));
    } else if (column instanceof Mapping.Computed computed) {
      line(text, "computed", column.name(), Integer.toString(computed.version()));
      computed.inputs().stream().sorted().forEach(input -> text.append('\0').append(input));
    }
  }

  private static void line(StringBuilder text, String kind, String name, String what) {
    text.append('\n').append(kind).append('\0').append(name).append('\0').append(what);
  }

  private static String digest(@Nullable Object value) {
    if (value == null) {
      return "null";
    }
    String text = JavaValue.typeName(value) + '\0' + JavaValue.text(value);
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, DIGEST_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
