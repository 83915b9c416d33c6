package io.fulmar.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A server is closed when its process has ended, whoever is to fetch its exit code: in a container
 * it is an orphan whose first process may never do so.
 */
class EndedServerTest {
  @Test
  @Timeout(60)
  void endedProcessWhoseExitCodeNobodyFetchesDoesNotRun() throws Exception {
    assumeTrue(Files.isDirectory(Path.of("/proc/self")), "the states of processes are in /proc");
    // The shell becomes a program that knows nothing of the child.
    Process parent =
        new ProcessBuilder("sh", "-c", "exec 3<&0; sh -c 'read line' <&3 & echo $!; exec sleep 60")
            .start();
    try (BufferedReader said =
        new BufferedReader(
            new InputStreamReader(parent.getInputStream(), StandardCharsets.UTF_8))) {
      ProcessHandle child = ProcessHandle.of(Long.parseLong(said.readLine())).orElseThrow();
      assertThat(TestPostgres.runs(child)).isTrue();
      Path status = Path.of("/proc/" + child.pid() + "/status");
      // As long as it is a shell it may fetch the code.
      Path program = Path.of("/proc/" + parent.pid() + "/comm");
      while (!Files.readString(program).equals("sleep\n")) {
        Thread.onSpinWait();
      }

      parent.getOutputStream().close();
      while (!Files.readString(status).contains("State:\tZ")) {
        Thread.onSpinWait();
      }

      assertThat(child.isAlive()).isTrue();
      assertThat(TestPostgres.runs(child)).isFalse();
    } finally {
      parent.destroyForcibly();
    }
  }
}
