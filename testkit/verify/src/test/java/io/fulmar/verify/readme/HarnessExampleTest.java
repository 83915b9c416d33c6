package io.fulmar.verify.readme;

import static org.assertj.core.api.Assertions.assertThat;

import io.fulmar.verify.fixture.SharedServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's code for the harnesses is the code that runs here, over both engines. */
class HarnessExampleTest {
  @TempDir Path directory;

  @AfterAll
  static void clean() throws SQLException {
    SharedServer.clean();
  }

  @Test
  @DisplayName("P1, P2: the README's destination loses nothing, whatever happens")
  void harnessesFindNothing() throws Exception {
    HarnessExample.run(
        seed ->
            new CrmHistory(
                SharedServer.get().createDatabase(),
                Files.createDirectory(directory.resolve(Long.toString(seed)))));
  }

  @Test
  void codeOfTheReadmeIsTheCodeThatRuns() {
    List<String> blocks = Readme.blocks("java").stream().map(Readme::tokens).toList();
    for (Class<?> type : List.of(CrmLife.class, CrmHistory.class, HarnessExample.class)) {
      assertThat(blocks).contains(Readme.tokens(Readme.marked(type.getName())));
    }
  }
}
