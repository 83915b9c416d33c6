package io.fulmar.internal.postgres;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Tells what the driver throws at a server that speaks nonsense (an array of negative length, an
 * assertion, a message that no heap can hold) from what others throw.
 */
public final class DriverFault {
  private static final String DRIVER = "org.postgresql.";

  private DriverFault() {}

  /**
   * The fault as an error of the protocol, after which the connection is of no use.
   *
   * @param e what came out of a call
   * @return null if the driver did not throw it
   */
  public static @Nullable SQLException of(Throwable e) {
    boolean may =
        e instanceof RuntimeException
            || e instanceof AssertionError
            || e instanceof OutOfMemoryError;
    if (!may || !isOfDriver(e)) {
      return null;
    }
    // The trace goes along, the message and the heap's dump of it do not: who knows what they
    // quote.
    SQLException fault =
        new SQLException(
            "the driver could not read what the server sent (" + e.getClass().getName() + ")",
            "08P01");
    fault.setStackTrace(e.getStackTrace());
    return fault;
  }

  private static boolean isOfDriver(Throwable e) {
    for (StackTraceElement frame : e.getStackTrace()) {
      String name = frame.getClassName();
      if (!name.startsWith("java.") && !name.startsWith("jdk.") && !name.startsWith("sun.")) {
        return name.startsWith(DRIVER);
      }
    }
    return false;
  }
}
