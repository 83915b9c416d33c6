package io.fulmar.verify.standard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.fulmar.CheckFailedException;
import io.fulmar.CheckReport;
import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.spi.Capabilities;
import io.fulmar.spi.CheckContext;
import io.fulmar.spi.CheckSteps;
import io.fulmar.spi.Destination;
import io.fulmar.spi.RunContext;
import io.fulmar.spi.Writer;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What a check says of a source that works and of one that does not, step by step. */
class CheckTest extends SourceFixture {

  static CheckReport check(Source source, Sync sync, java.nio.file.Path state) {
    try (SyncEngine engine = StandardEngine.on(source, state)) {
      return sync == null ? engine.check() : engine.check(sync);
    }
  }

  static List<String> verdicts(CheckReport report) {
    return report.steps().stream()
        .map(step -> step.name() + " " + step.verdict())
        .collect(Collectors.toList());
  }

  static CheckReport.Step step(CheckReport report, String name) {
    return report.steps().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
  }

  /** A destination with steps of its own. */
  private final class Looked implements Destination {
    final List<CheckContext> asked = new ArrayList<>();

    @Override
    public String type() {
      return destination.type();
    }

    @Override
    public String identity() {
      return destination.identity();
    }

    @Override
    public Capabilities capabilities() {
      return destination.capabilities();
    }

    @Override
    public Writer open(RunContext run) {
      throw new AssertionError("a check sends nothing");
    }

    @Override
    public void check(CheckContext sync, CheckSteps steps) {
      asked.add(sync);
      steps.step("endpoint", findings -> findings.found("answers"));
      steps.stepAfter(
          "endpoint", "fields", findings -> findings.failure("there is no field x", "Add it"));
      steps.stepAfter("fields", "limits", findings -> findings.found("never"));
      steps.step(
          "token",
          findings -> {
            throw new java.io.IOException("the secret");
          });
    }
  }

  @Test
  void aDestinationSaysWhatItFindsAfterTheRest() throws SQLException {
    database.execute("create table item (id int primary key, name text)");
    Looked looked = new Looked();
    Sync sync =
        Sync.builder("crm")
            .model(Model.query("rows", "select id, name from item").key("id"))
            .to(looked)
            .build();
    CheckReport report = check(source(), sync, state);
    assertThat(verdicts(report))
        .contains("model PASSED")
        .endsWith(
            "destination endpoint PASSED",
            "destination fields FAILED",
            "destination limits SKIPPED",
            "destination token FAILED");
    assertThat(step(report, "destination limits").found())
        .containsExactly("needs destination fields");
    assertThat(looked.asked)
        .singleElement()
        .satisfies(
            asked -> {
              assertThat(asked.sync()).isEqualTo("crm");
              assertThat(asked.key()).containsExactly("id");
              assertThat(asked.columns())
                  .containsExactly(
                      new CheckContext.Column("id", "integer"),
                      new CheckContext.Column("name", "text"));
            });
    assertThatThrownBy(report::throwIfFailed)
        .isInstanceOf(CheckFailedException.class)
        .hasMessageContaining("destination fields: there is no field x")
        .hasMessageContaining("Add it.")
        .hasMessageContaining("destination token: it threw java.io.IOException")
        .hasMessageNotContaining("secret");
  }
}
