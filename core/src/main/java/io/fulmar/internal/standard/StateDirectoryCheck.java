package io.fulmar.internal.standard;

import io.fulmar.spi.CheckSteps;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether the state of syncs can live in a directory, and safely. */
final class StateDirectoryCheck {
  private StateDirectoryCheck() {}

  static void look(Path root, StandardStore.MissingState missing, CheckSteps steps) {
    steps.step(
        "state directory",
        findings -> {
          if (!Files.exists(root) && missing == StandardStore.MissingState.REFUSE) {
            findings.failure(root + " is missing, and state is required", "Bring it back");
          }
          findings.found(root.toString());
        });
  }
}
