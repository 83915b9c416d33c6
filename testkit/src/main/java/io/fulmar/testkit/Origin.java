package io.fulmar.testkit;

/** Where a server for tests may come from. */
interface Origin {
  /** Its name in {@link TestServer#FROM_SETTING}. */
  String word();

  /**
   * Takes the server from here.
   *
   * @throws AbsentException if there is none here, so that the next origin may be asked
   * @throws IllegalStateException if there is one, or should be, and it cannot be used
   */
  TestServer take() throws AbsentException;

  /** What the line about the choice says of a server from here. */
  String reason();

  /** There is no server to be had; the message is a clause: "Docker does not answer". */
  final class AbsentException extends Exception {
    private static final long serialVersionUID = 1;

    AbsentException(String clause) {
      super(clause);
    }

    AbsentException(String clause, Throwable cause) {
      super(clause, cause);
    }
  }
}
