package io.fulmar.internal.json;

/** A value of a row has no form in what is to be written. The message names the column alone. */
public final class NoFormException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Says which column it is, and why. */
  public NoFormException(String message) {
    super(message);
  }
}
