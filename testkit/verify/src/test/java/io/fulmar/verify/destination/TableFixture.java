package io.fulmar.verify.destination;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Action;
import io.fulmar.Change;
import io.fulmar.Operation;
import io.fulmar.PostgresDestination;
import io.fulmar.Source;
import io.fulmar.spi.Batch;
import io.fulmar.spi.Delivery;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Verdict;
import io.fulmar.spi.Writer;
import io.fulmar.testkit.TestDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A database to write to, and short words for batches and what became of them. */
@SuppressWarnings("try") // close() of a writer may be interrupted
final class TableFixture {
  static final RunContext RUN = new RunContext("crm", 7, 1, Duration.ofSeconds(60));

  private final TestDatabase database;

  TableFixture(TestDatabase database) {
    this.database = database;
  }

  TestDatabase database() {
    return database;
  }

  Source.Builder source() {
    return database.source().lockTimeout(Duration.ofSeconds(20));
  }

  PostgresDestination.Builder into(String table) {
    return PostgresDestination.builder(source().build()).table("public", table);
  }

  void run(String... sql) throws SQLException {
    database.execute(sql);
  }

  /** The rows, columns joined by a bar; NULL is shown as such. */
  List<String> rows(String query) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = zoned(connection.createStatement());
        ResultSet rows = statement.executeQuery(query)) {
      List<String> found = new ArrayList<>();
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        List<String> row = new ArrayList<>();
        for (int i = 1; i <= columns; i++) {
          row.add(String.valueOf(rows.getString(i)));
        }
        found.add(String.join("|", row));
      }
      return found;
    }
  }

  private static Statement zoned(Statement statement) throws SQLException {
    statement.execute("set TimeZone = 'UTC'");
    return statement;
  }

  /** Waits until a query gives one row that says so. */
  void until(String expected, String query) throws SQLException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!rows(query).equals(List.of(expected))) {
      assertThat(System.nanoTime()).as("time for: " + query).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  /** A change whose key is the first column. */
  static Change change(long sequence, @Nullable String... namesAndTexts) {
    return change(sequence, 1, namesAndTexts);
  }

  /** A change whose key is the first columns. */
  static Change change(long sequence, int keyColumns, @Nullable String... namesAndTexts) {
    TextRow row = TextRow.of(namesAndTexts);
    TextRow key = row.first(keyColumns);
    String id = "%s@%d".formatted(key.columns().stream().map(key::text).toList(), sequence);
    return new Change(Operation.CHANGED, key, row, id, sequence, 1);
  }

  static Delivery write(Destination destination, Action action, Change... changes)
      throws Exception {
    try (Writer writer = destination.open(RUN)) {
      return write(writer, action, changes);
    }
  }

  static Delivery write(Writer writer, Action action, Change... changes) throws Exception {
    return writer.write(new Batch(action, Arrays.asList(changes)));
  }

  /** One word for each change: accepted, skipped, or the code of the rejection. */
  static List<String> verdicts(Delivery delivery, Change... changes) {
    List<String> words = new ArrayList<>();
    for (Change change : changes) {
      List<Verdict> answers =
          delivery.answers().stream()
              .filter(answer -> answer.changeId().equals(change.changeId()))
              .map(Delivery.Answer::verdict)
              .collect(Collectors.toList());
      assertThat(answers).hasSizeLessThanOrEqualTo(1);
      if (answers.isEmpty() || answers.get(0) instanceof Verdict.Accepted) {
        words.add("accepted");
      } else if (answers.get(0) instanceof Verdict.Rejected rejected) {
        words.add(rejected.code());
      } else {
        words.add("skipped");
      }
    }
    return words;
  }

  static Verdict.Rejected rejection(Delivery delivery) {
    assertThat(delivery.answers()).hasSize(1);
    return (Verdict.Rejected) delivery.answers().get(0).verdict();
  }
}
