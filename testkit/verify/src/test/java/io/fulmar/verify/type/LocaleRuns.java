package io.fulmar.verify.type;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.testkit.TestDatabase;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * Runs a sync of {@code every_type} and writes down what it sent: a program of its own, so that
 * language, calendar, digits, time zone and charset of its JVM can be any.
 */
final class LocaleRuns {
  private LocaleRuns() {}

  /** Arguments of {@link #main}. */
  static List<String> arguments(TestDatabase database, Path state, Path output) {
    return List.of(
        database.host(),
        Integer.toString(database.port()),
        database.name(),
        database.user(),
        state.toString(),
        output.toString());
  }

  /**
   * Runs the sync once.
   *
   * @param args see {@link #arguments}
   */
  public static void main(String[] args) throws IOException {
    List<String> lines = run(args);
    System.out.println(Locale.getDefault() + " " + Charset.defaultCharset());
    Files.write(Path.of(args[5]), lines, StandardCharsets.UTF_8);
  }

  /** For each change a line of key and texts, these in hexadecimal UTF-8. */
  static List<String> run(String... args) {
    Source source =
        Source.builder()
            .host(args[0])
            .port(Integer.parseInt(args[1]))
            .database(args[2])
            .user(args[3])
            .withoutTls()
            .build();
    Map<String, String> sent = new TreeMap<>();
    Sync sync =
        Sync.builder("locale")
            .model(Model.query("rows", "select * from every_type").key("id"))
            .to(
                Destination.of(
                    "test:locale",
                    batch -> {
                      batch.changes().forEach(change -> sent.put(key(change), line(change)));
                      return Delivery.allAccepted();
                    }))
            .build();
    List<String> lines = new ArrayList<>();
    try (SyncEngine engine = StandardEngine.on(source, Path.of(args[4]))) {
      SyncReport report = engine.run(sync).throwIfFailed();
      sent.forEach((key, line) -> lines.add("sent " + key + ": " + line));
      lines.add("planned " + Long.toString(report.total().planned()));
      lines.add("the next run: " + engine.explain(sync, 1).next());
      // Its identity holds a number, and is refused if it is another than before.
      Sync table =
          Sync.builder("locale-table")
              .model(Model.query("rows", "select * from every_type").key("id"))
              .to(PostgresDestination.builder(source).table("public", "copied").build())
              .build();
      lines.add("table " + engine.run(table).throwIfFailed().total().planned());
    }
    return lines;
  }

  private static String key(Change change) {
    return change.operation() + "-" + change.key().text("id");
  }

  /** The texts, and the values so far as they have a text that does not follow the JVM. */
  private static String line(Change change) {
    StringBuilder texts = new StringBuilder();
    for (String column : change.row().columns()) {
      String text = change.row().text(column);
      Object value = change.row().value(column);
      texts.append(text).append('\u001f');
      texts.append(value instanceof byte[] ? "bytes" : String.valueOf(value)).append('\u001e');
    }
    String plain = texts.toString().replaceAll("\\[B@[0-9a-f]+", "bytes");
    return HexFormat.of().formatHex(plain.getBytes(StandardCharsets.UTF_8));
  }
}
