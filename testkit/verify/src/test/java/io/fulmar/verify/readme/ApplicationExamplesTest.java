package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.Model;
import io.fulmar.Source;
import io.fulmar.Sync;
import io.fulmar.testkit.RecordingDestination;
import io.fulmar.testkit.TestDatabase;
import io.fulmar.testkit.TestPostgres;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * README.md's examples of whole applications are code that runs: that of Spring Boot is built and
 * terminated in mid-run by {@code SpringConsumerTest}.
 */
class ApplicationExamplesTest {
  private static final String SPRING =
      "testkit/verify/src/consumer/spring/src/main/java/com/example/contacts/Contacts.java";

  @TempDir Path state;

  @Test
  void examplesAreTheCodeThatRuns() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(
            Readme.tokens(Readme.markedIn(SPRING)),
            Readme.tokens(Readme.marked("io.fulmar.verify.readme.PlainExample")));
  }

  @Test
  void glueOfASpringApplicationIsAtMostSixtyLines() {
    assertThat(Readme.markedIn(SPRING).strip().lines()).hasSizeBetween(30, 60);
  }

  @Test
  void plainMainGivesAnExitCode() throws Exception {
    try (TestPostgres postgres = TestPostgres.start()) {
      TestDatabase database = postgres.createDatabase();
      Sync sync =
          Sync.builder("crm")
              .model(Model.query("t", "select 1 as id").key("id"))
              .to(RecordingDestination.of("crm"))
              .build();
      assertThat(PlainExample.run(Source.of(database.dataSource()), state, sync)).isZero();
    }
  }
}
