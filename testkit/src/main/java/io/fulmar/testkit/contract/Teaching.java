package io.fulmar.testkit.contract;

import java.lang.reflect.Method;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;

/**
 * Makes of whatever ends a rule a message from which the author of the destination learns: which
 * rule it is, what was found, which calls led to it, and what the rule is good for.
 */
final class Teaching implements TestExecutionExceptionHandler {
  @Override
  public void handleTestExecutionException(ExtensionContext context, Throwable thrown)
      throws Throwable {
    Method rule = context.getRequiredTestMethod();
    Why why = rule.getAnnotation(Why.class);
    DisplayName name = rule.getAnnotation(DisplayName.class);
    if (why == null
        || name == null
        || !(context.getRequiredTestInstance() instanceof DestinationContract contract)) {
      throw thrown; // a test of the author's own
    }
    if (thrown instanceof SkippedRule) {
      Assumptions.abort(number(name) + " is skipped: " + thrown.getMessage());
    } else if (thrown.getClass().getSimpleName().equals("TestAbortedException")) {
      throw thrown; // a hook skips the rule
    }
    String found = thrown instanceof BrokenRule ? thrown.getMessage() : "it threw " + thrown;
    throw new AssertionError(
        """
        %s: this rule is broken.
        Found: %s
        Sent, and what came back:
        %s
        Why: %s"""
            .formatted(name.value(), found, contract.calls(), why.value()),
        thrown);
  }

  private static String number(DisplayName name) {
    return name.value().replaceFirst(":.*", "");
  }
}
