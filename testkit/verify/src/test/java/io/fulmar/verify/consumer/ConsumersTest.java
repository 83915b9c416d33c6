package io.fulmar.verify.consumer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Applications as users have them, each a Maven project of its own in {@code src/consumer}, built
 * and run against what was staged. {@link SpringConsumerTest} has the third.
 */
@Tag("release")
class ConsumersTest {
  private static StagedRelease release;

  @BeforeAll
  static void stage() throws Exception {
    release = StagedRelease.get();
  }

  @Test
  void applicationWithAModuleDescriptorIsBuiltAndRuns() throws Exception {
    Path project = release.build("module-path", "verify");
    assertThat(Files.readString(project.resolve("maven.log")))
        .contains("model customers of module io.fulmar.core")
        .contains("other modules: io.fulmar.lightning")
        .contains("other modules: io.fulmar.tunnel")
        .contains("127.0.0.1:1 refuses connections.");
  }

  @Test
  void applicationOnTheClassPathPassesItsTestsWithOlderJUnitAndTestcontainers() throws Exception {
    Path project =
        release.build(
            "class-path",
            "-Dpostgres.platform=" + System.getProperty("fulmar.verify.postgres.platform"),
            "-Dfulmar.pg.from=embedded",
            "verify");
    assertThat(Files.readString(project.resolve("maven.log")))
        .contains("Tests run: 4, Failures: 0, Errors: 0, Skipped: 0");
    // A bill of materials that said too much would have brought other libraries with it.
    List<String> jars =
        Files.readAllLines(project.resolve("target/runtime.txt")).stream()
            .map(String::strip)
            .filter(line -> line.startsWith("io.fulmar:"))
            .map(line -> line.replaceFirst(" --.*", ""))
            .toList();
    assertThat(jars)
        .containsExactlyInAnyOrder(
            "io.fulmar:fulmar-core:jar:" + release.version() + ":compile",
            "io.fulmar:fulmar-lightning:jar:" + release.version() + ":compile");
  }
}
