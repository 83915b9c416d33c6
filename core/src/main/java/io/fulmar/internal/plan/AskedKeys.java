package io.fulmar.internal.plan;

import io.fulmar.ConfigurationException;
import io.fulmar.SourceException;
import io.fulmar.internal.postgres.SqlStates;
import io.fulmar.internal.source.ModelRows;
import io.fulmar.internal.source.ModelShape;
import io.fulmar.internal.source.RowSink;
import io.fulmar.internal.source.SourceSession;
import io.fulmar.internal.type.ColumnKind;
import io.fulmar.internal.type.ImageBuffer;
import io.fulmar.internal.type.JavaValue;
import io.fulmar.internal.type.KeyImage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The keys that an application asks for by texts of their columns. */
public final class AskedKeys {
  private AskedKeys() {}

  /**
   * Hands keys over to a session, for {@link ModelShape#ofKeys} and {@link ModelShape#askedKeys}.
   *
   * @param session in which the model was described
   * @param shape the model
   * @param name that of the model
   * @param keys each as the texts of its columns, at least one
   * @return the images of the keys
   * @throws ConfigurationException if a text is no value of its column
   */
  public static List<byte[]> handOver(
      SourceSession session, ModelShape shape, String name, List<List<String>> keys)
      throws IOException {
    check(session, shape, name, keys);
    ColumnKind[] kinds =
        shape.keyPositions().stream()
            .map(i -> shape.columns().get(i).kind())
            .toArray(ColumnKind[]::new);
    List<byte[]> images = new ArrayList<>();
    RowSink sink =
        (buffer, from, to, fields) -> {
          ImageBuffer image = new ImageBuffer(64);
          for (int i = 0; i < kinds.length; i++) {
            KeyImage.append(kinds[i], buffer, fields[2 * i], fields[2 * i + 1], image);
          }
          images.add(Arrays.copyOf(image.array(), image.length()));
        };
    try {
      session.keys(keys);
      String doing = "read the given keys of " + name;
      ModelRows.read(session, shape.keysSql(), List.of(kinds), kinds.length, doing, sink);
    } catch (SourceException e) {
      // Of data, of the constraint of a domain, or of the encoding of the database.
      if (SqlStates.isOfValue(e.sqlState())) {
        throw noValue(session, shape, name);
      }
      throw e;
    }
    return images;
  }

  private static void check(
      SourceSession session, ModelShape shape, String name, List<List<String>> keys) {
    int columns = shape.keyPositions().size();
    for (List<String> key : keys) {
      if (key.size() != columns) {
        throw new ConfigurationException(
            "Cannot look at a key of %s: %s columns were given, and the key has %s (%s). Give the columns of the key in its order. %s"
                .formatted(name, key.size(), columns, shape.keySignature(), session.about()));
      }
      // The server takes no character 0, and the driver makes a ? of half a surrogate pair.
      if (key.stream().anyMatch(text -> JavaValue.objection(text) != null)) {
        throw noValue(session, shape, name);
      }
    }
  }

  private static ConfigurationException noValue(
      SourceSession session, ModelShape shape, String name) {
    return Refusal.value(name, shape.keySignature(), session.about());
  }
}
