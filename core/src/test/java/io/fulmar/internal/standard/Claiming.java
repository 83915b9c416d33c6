package io.fulmar.internal.standard;

import io.fulmar.AlreadyRunningException;
import io.fulmar.harness.OtherProcess;
import io.fulmar.internal.store.Claim;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;

/** A process that claims a sync and holds it until the end of its input. */
final class Claiming {
  private Claiming() {}

  /** A JVM that claims the sync in a directory, says what came of it, and holds what it got. */
  static OtherProcess start(Path root) throws IOException {
    return OtherProcess.start(Claiming.class, List.of("-Xmx64m"), root.toString());
  }

  public static void main(String[] arguments) throws IOException {
    try (StandardStore store =
            new StandardStore(
                new MemoryModel(),
                Path.of(arguments[0]),
                StandardStore.MissingState.BEGIN,
                0,
                Clock.systemUTC());
        Claim claim = store.claim(Process.sync(new Crm()).build())) {
      System.out.println("claimed");
      while (System.in.read() >= 0) {
        // until the parent ends
      }
      System.out.println("given back " + claim.run());
    } catch (AlreadyRunningException e) {
      System.out.println("refused");
    }
  }
}
