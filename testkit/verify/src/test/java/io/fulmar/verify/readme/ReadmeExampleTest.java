package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.testkit.TestPostgres;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** README.md's first example and its output are what the code is and prints. */
class ReadmeExampleTest {
  @TempDir Path state;

  @Test
  void exampleIsTheCodeThatRuns() {
    assertThat(Readme.blocks("java").stream().map(Readme::tokens))
        .contains(Readme.tokens(Readme.marked("io.fulmar.verify.readme.ReadmeExample")));
  }

  @Test
  void outputIsWhatThreeRunsPrint() throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (TestPostgres postgres = TestPostgres.start();
        PrintStream out = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      ReadmeExample.threeRuns(postgres, state);
    } finally {
      System.setOut(before);
    }
    List<Object> real = runs(printed.toString(StandardCharsets.UTF_8));
    assertThat(real).hasSize(6);
    assertThat(Readme.blocks("text").stream().map(ReadmeExampleTest::runs)).contains(real);
  }

  /**
   * For each run the set of its changes, whose order within a run is no promise, then its last line
   * without the time that it took.
   */
  private static List<Object> runs(String output) {
    List<Object> runs = new ArrayList<>();
    TreeSet<String> changes = new TreeSet<>();
    for (String line : output.lines().toList()) {
      if (line.startsWith("crm: ")) {
        runs.add(changes);
        runs.add(line.replaceFirst("\\d+\\.\\d s$", "# s"));
        changes = new TreeSet<>();
      } else {
        changes.add(line);
      }
    }
    return runs;
  }
}
