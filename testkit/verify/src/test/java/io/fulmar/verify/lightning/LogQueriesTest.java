package io.fulmar.verify.lightning;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Change;
import io.fulmar.Model;
import io.fulmar.Sync;
import io.fulmar.SyncReport;
import io.fulmar.spi.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The queries of the README over the sync logs, run on the logs of real runs. */
class LogQueriesTest extends LogsFixture {
  private static final Pattern SQL = Pattern.compile("(?ms)^```sql\\n(.*?)^```$");

  /** In the order of the section. */
  private static List<String> queries() throws IOException {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("README.md"))) {
      folder = folder.getParent();
    }
    String readme = Files.readString(folder.resolve("README.md"));
    String section = readme.substring(readme.indexOf("\n## Sync logs\n"));
    section = section.substring(0, section.indexOf("\n## ", 5));
    List<String> queries =
        SQL.matcher(section).results().map((MatchResult block) -> block.group(1)).toList();
    assertThat(queries).hasSize(5);
    return queries;
  }

  private static Verdict verdict(Change change) {
    return change.key().value("id") instanceof Long id && id % 10 == 7
        ? new Verdict.Rejected("BAD", id == 7 ? "no mail" : "no tier", Verdict.Retry.NEXT_RUN)
        : new Verdict.Accepted();
  }

  @Test
  void theQueriesOfTheReadmeAnswerWhatTheyAreFor() throws Exception {
    List<String> queries = queries();
    destination.verdicts(LogQueriesTest::verdict);
    Sync sync = crm().guardRemovals(1, 1_000).build();
    database.execute("insert into customer select g, 'e' || g, 1 from generate_series(1, 9) g");
    database.execute("insert into customer values (17, 'a', 1), (27, 'b', 1), (42, 'c', 1)");
    run(ALL, sync);
    // What was before: rows 1 to 42 entered before the time that is asked about.
    database.execute("update fulmar_audit.sync_runs set started_at = '2025-06-01'");
    database.execute(
        "delete from customer where id = 1", "insert into customer values (50, 'new', 1)");
    run(ALL, sync); // 1 leaves, 50 enters
    database.execute(
        "delete from customer where id in (2, 50)", "insert into customer values (51, 'x', 1)");
    run(ALL, sync); // 2 and 50 leave, 51 enters
    database.execute("insert into customer values (2, 'back', 1)");
    SyncReport last = run(ALL, sync); // 2 enters again
    database.execute("update customer set tier = 9 where id = 42");
    run(ALL, sync);

    assertThat(rows(queries.get(0))).containsExactly("crm BAD: no tier 2", "crm BAD: no mail 1");
    // 2 was added in 2025, which is not in the last 7 days.
    assertThat(rows(queries.get(1))).isEmpty();
    database.execute(
        "update fulmar_audit.sync_runs set started_at = now() where started_at < '2026-01-01'");
    assertThat(rows(queries.get(1))).containsExactly("crm 2 3");
    database.execute(
        "update fulmar_audit.sync_runs set started_at = '2025-06-01' where num_planned_add = 12");
    assertThat(rows(queries.get(2))).containsExactly("1 left", "51 entered");
    assertThat(rows(queries.get(3)))
        .hasSize(2)
        .first(org.assertj.core.api.InstanceOfAssertFactories.STRING)
        .endsWith(" changed succeeded {\"id\": 42, \"tier\": 9, \"email\": \"c\"}");
    assertThat(rows(queries.get(3)).get(1)).contains(" added succeeded ");
    assertThat(last.total().planned()).isPositive();
  }

  @Test
  void theModelOfTheReadmeHasOneRowForEachElement() throws SQLException, IOException {
    database.execute(
        "alter table customer add tags text[]",
        """
        insert into customer (id, tags) values (1, '{a,b,a}'), (2, '{}'), (3, null), (4, '{b}')
        """);
    Sync sync =
        Sync.builder("tags")
            .model(Model.query("customer_tags", queries().get(4)).key("id", "tag"))
            .to(destination)
            .build();
    SyncReport report = run(ALL, sync);
    assertThat(report.problem()).isEmpty();
    assertThat(rows("select row_id from fulmar_audit.sync_changelog order by 1"))
        .containsExactly("[\"1\", \"a\"]", "[\"1\", \"b\"]", "[\"4\", \"b\"]");
  }
}
