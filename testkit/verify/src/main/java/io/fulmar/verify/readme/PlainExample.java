package io.fulmar.verify.readme;

import io.fulmar.RunStatus;
import io.fulmar.Source;
import io.fulmar.StandardEngine;
import io.fulmar.Sync;
import io.fulmar.SyncEngine;
import io.fulmar.SyncReport;
import java.nio.file.Path;

/** What a plain {@code main} does about SIGTERM and Ctrl-C, as the README shows it. */
public final class PlainExample {
  private PlainExample() {}

  /**
   * Runs one sync and gives its exit code.
   *
   * @param source what is read
   * @param stateDirectory where the state lives
   * @param sync what to run
   */
  static int run(Source source, Path stateDirectory, Sync sync) {
    // begin README
    SyncEngine engine = StandardEngine.on(source, stateDirectory);
    Runtime.getRuntime().addShutdownHook(new Thread(engine::close)); // SIGTERM and Ctrl-C
    SyncReport report = engine.run(sync);
    return report.status() == RunStatus.SUCCEEDED ? 0 : 1;
    // end README
  }
}
