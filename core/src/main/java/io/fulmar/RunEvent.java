package io.fulmar;

/**
 * Something that happened in a run, in this order: started, reading..., planned, delivering...,
 * ended. Only {@link AnsweredLate} may come after that. {@link Clearing} comes after planned, or
 * before reading in a run that repeats a clear.
 */
public sealed interface RunEvent {
  /** Name of the sync. */
  String sync();

  /** Number of the run. */
  long run();

  /**
   * The run has begun.
   *
   * @param sync name of the sync
   * @param run number of the run
   */
  record Started(String sync, long run) implements RunEvent {}

  /**
   * An earlier run had died; what it had acknowledged is now part of the state.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param interruptedRun number of the run that died; if it applied a plan, of the run that had
   *     made the plan
   * @param accepted changes that it had acknowledged
   * @param unsure changes that it had handed out without an answer
   */
  record Recovered(String sync, long run, long interruptedRun, long accepted, long unsure)
      implements RunEvent {}

  /**
   * Rows are being read; about every 200 ms.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param rows rows read so far
   */
  record Reading(String sync, long run, long rows) implements RunEvent {}

  /**
   * Reading failed in a way that may pass and is done again from the start.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param error what happened
   */
  record ReadAgain(String sync, long run, SourceException error) implements RunEvent {}

  /**
   * The change set is known and stored.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param changeSet what is planned
   */
  record Planned(String sync, long run, ChangeSet changeSet) implements RunEvent {}

  /**
   * The destination is about to be emptied: no call may act any more. Comes again with each
   * attempt.
   *
   * @param sync name of the sync
   * @param run number of the run
   */
  record Clearing(String sync, long run) implements RunEvent {}

  /**
   * Changes are being delivered; about every 200 ms.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param done changes with an outcome so far
   * @param planned changes of the change set
   */
  record Delivering(String sync, long run, long done, long planned) implements RunEvent {}

  /**
   * A destination broke its contract; the batch counts as unknown.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param what what was wrong with the answer, without values
   */
  record ContractViolated(String sync, long run, String what) implements RunEvent {}

  /**
   * A call that had been left behind, because it passed its deadline or the grace of a stopped run,
   * came to an end after all. It changes nothing in what is remembered: its changes stay unsure, or
   * are what a later call made of them. Comes on the thread of that call, perhaps after the run.
   *
   * @param sync name of the sync
   * @param run number of the run that made the call
   * @param what which call it was and how it ended, without values: {@code "write: answered"}
   * @param sent changes that the call carried; 0 if it was no write
   * @param accepted of these, by the late answer
   * @param skipped of these, by the late answer
   * @param rejected of these, by the late answer
   */
  record AnsweredLate(
      String sync, long run, String what, long sent, long accepted, long skipped, long rejected)
      implements RunEvent {}

  /**
   * The run is over.
   *
   * @param sync name of the sync
   * @param run number of the run
   * @param report how it went
   */
  record Ended(String sync, long run, SyncReport report) implements RunEvent {}
}
