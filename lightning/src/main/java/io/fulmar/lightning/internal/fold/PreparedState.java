package io.fulmar.lightning.internal.fold;

/**
 * A state that was made of a first plan before it was known what became of its changes. It is
 * nothing until a fold has taken it, and has the keys of all changes until then.
 *
 * @param oid of its table
 * @param filenode of its file, which is another one once somebody has emptied or replaced it
 */
public record PreparedState(long oid, long filenode) {
  /** Which of the two tables of a state it is. */
  public static final int GENERATION = 0;
}
