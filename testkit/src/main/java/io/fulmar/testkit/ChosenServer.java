package io.fulmar.testkit;

import org.jspecify.annotations.Nullable;

/** The one server of this JVM: whatever the first choice came to, a failure included. */
final class ChosenServer {
  private static @Nullable TestServer server;
  private static @Nullable RuntimeException failure;

  private ChosenServer() {}

  static synchronized TestServer get() {
    if (failure != null) {
      // Looking for Docker again would take as long again, for every test class.
      throw new IllegalStateException(failure.getMessage(), failure);
    }
    TestServer taken = server;
    if (taken == null) {
      try {
        taken = ServerChoice.of(Settings.ofThisJvm()).take();
      } catch (RuntimeException e) {
        failure = e;
        throw e;
      }
      server = taken;
    }
    return taken;
  }
}
