/** Every property over runs, in the order of the matrix. */
import {
  explicitSourceKept,
  failedRerouteLeavesSocket,
  headerMatchesSocket,
  localNameStays,
  replyCarriesAskedAddress,
  sendLeavesNextSendAlone,
  sourceFitsRoute,
  sourcePassesProviderFilter,
} from './address.ts';
import { ipChecksumRight, transportChecksumRight } from './checksum.ts';
import { answerFoundAtAnyMoment, boundPortRefusedToOthers, concurrentSendUnaffected } from './moments.ts';
import { answerReachesSender, packetConsumedOnce, verdictLegal } from './netfilter.ts';
import { tunnelDoesNotLoop, tunnelHeaderKept, tunnelledSenderKept } from './owners.ts';
import type { Property } from './property.ts';
import {
  boundDeviceKept,
  dontrouteStaysOnLink,
  markAloneChangesNothing,
  messageDeviceKept,
  policiesObeyed,
  reroutedByPorts,
  reroutedBySource,
  reroutedByUser,
  routeIgnoresGarbage,
  sourceIsAnAddress,
} from './route.ts';
import {
  boundPortKept,
  fourTupleUnique,
  hashedSocketFound,
  kernelSurvives,
  listenerStays,
  oneConnectionOneTuple,
  portsAccounted,
  tcpOperationsOnTcpSockets,
} from './tuple.ts';

export const properties: readonly Property[] = [
  sourceFitsRoute,
  sourcePassesProviderFilter,
  headerMatchesSocket,
  localNameStays,
  explicitSourceKept,
  replyCarriesAskedAddress,
  sendLeavesNextSendAlone,
  concurrentSendUnaffected,
  tunnelHeaderKept,
  tunnelledSenderKept,
  failedRerouteLeavesSocket,
  fourTupleUnique,
  hashedSocketFound,
  answerFoundAtAnyMoment,
  oneConnectionOneTuple,
  boundPortKept,
  boundPortRefusedToOthers,
  portsAccounted,
  listenerStays,
  tcpOperationsOnTcpSockets,
  kernelSurvives,
  ipChecksumRight,
  transportChecksumRight,
  verdictLegal,
  packetConsumedOnce,
  answerReachesSender,
  tunnelDoesNotLoop,
  boundDeviceKept,
  messageDeviceKept,
  dontrouteStaysOnLink,
  reroutedByPorts,
  reroutedByUser,
  reroutedBySource,
  routeIgnoresGarbage,
  markAloneChangesNothing,
  sourceIsAnAddress,
  policiesObeyed,
];
