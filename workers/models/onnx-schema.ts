/**
 * The part of ONNX's protobuf schema (IR version 3 to 10) that is read and written here, as a protobufjs descriptor.
 *
 * Rare sub-messages (sparse tensors, training info, functions, quantization, exotic types) are declared as `bytes`: on the wire a
 * message and a byte string look alike, so they pass through a read and a write unchanged without being understood.
 */

import type { IType } from 'protobufjs/light.js'

const optional = (type: string, id: number) => ({ type, id })
const repeated = (type: string, id: number, packed = false) => ({
  rule: 'repeated',
  type,
  id,
  options: { packed },
})

/** Of proto2: a field that holds its default is written, and told from an absent one. */
const message = (fields: IType['fields']): IType => ({ edition: 'proto2', fields })

export const onnxSchema = {
  nested: {
    onnx: {
      nested: {
        ModelProto: message({
          irVersion: optional('int64', 1),
          opsetImport: repeated('OperatorSetIdProto', 8),
          producerName: optional('string', 2),
          producerVersion: optional('string', 3),
          domain: optional('string', 4),
          modelVersion: optional('int64', 5),
          docString: optional('string', 6),
          graph: optional('GraphProto', 7),
          metadataProps: repeated('StringStringEntryProto', 14),
          trainingInfo: repeated('bytes', 20),
          functions: repeated('bytes', 25),
        }),
        GraphProto: message({
          node: repeated('NodeProto', 1),
          name: optional('string', 2),
          initializer: repeated('TensorProto', 5),
          sparseInitializer: repeated('bytes', 15),
          docString: optional('string', 10),
          input: repeated('ValueInfoProto', 11),
          output: repeated('ValueInfoProto', 12),
          valueInfo: repeated('ValueInfoProto', 13),
          quantizationAnnotation: repeated('bytes', 14),
          metadataProps: repeated('StringStringEntryProto', 16),
        }),
        NodeProto: message({
          input: repeated('string', 1),
          output: repeated('string', 2),
          name: optional('string', 3),
          opType: optional('string', 4),
          domain: optional('string', 7),
          overload: optional('string', 8),
          attribute: repeated('AttributeProto', 5),
          docString: optional('string', 6),
          metadataProps: repeated('StringStringEntryProto', 9),
        }),
        AttributeProto: message({
          name: optional('string', 1),
          refAttrName: optional('string', 21),
          docString: optional('string', 13),
          type: optional('int32', 20),
          f: optional('float', 2),
          i: optional('int64', 3),
          s: optional('bytes', 4),
          t: optional('TensorProto', 5),
          g: optional('bytes', 6),
          sparseTensor: optional('bytes', 22),
          tp: optional('bytes', 14),
          floats: repeated('float', 7),
          ints: repeated('int64', 8),
          strings: repeated('bytes', 9),
          tensors: repeated('TensorProto', 10),
          graphs: repeated('bytes', 11),
          sparseTensors: repeated('bytes', 23),
          typeProtos: repeated('bytes', 15),
        }),
        TensorProto: message({
          dims: repeated('int64', 1),
          dataType: optional('int32', 2),
          segment: optional('bytes', 3),
          floatData: repeated('float', 4, true),
          int32Data: repeated('int32', 5, true),
          stringData: repeated('bytes', 6),
          int64Data: repeated('int64', 7, true),
          name: optional('string', 8),
          docString: optional('string', 12),
          rawData: optional('bytes', 9),
          externalData: repeated('StringStringEntryProto', 13),
          dataLocation: optional('int32', 14),
          doubleData: repeated('double', 10, true),
          uint64Data: repeated('uint64', 11, true),
          metadataProps: repeated('StringStringEntryProto', 16),
        }),
        ValueInfoProto: message({
          name: optional('string', 1),
          type: optional('TypeProto', 2),
          docString: optional('string', 3),
          metadataProps: repeated('StringStringEntryProto', 4),
        }),
        TypeProto: message({
          tensorType: optional('TensorTypeProto', 1),
          sequenceType: optional('bytes', 4),
          mapType: optional('bytes', 5),
          sparseTensorType: optional('bytes', 8),
          optionalType: optional('bytes', 9),
          denotation: optional('string', 6),
        }),
        TensorTypeProto: message({
          elemType: optional('int32', 1),
          shape: optional('TensorShapeProto', 2),
        }),
        TensorShapeProto: message({ dim: repeated('DimensionProto', 1) }),
        DimensionProto: message({
          dimValue: optional('int64', 1),
          dimParam: optional('string', 2),
          denotation: optional('string', 3),
        }),
        OperatorSetIdProto: message({ domain: optional('string', 1), version: optional('int64', 2) }),
        StringStringEntryProto: message({ key: optional('string', 1), value: optional('string', 2) }),
      },
    },
  },
}
